/**
 * What correcting users who left costs: `npm run bench:leavers`. One audience is exported, then 0, 1 % and 19 % of
 * its members leave, and a run follows each time. Requests are counted by the sandbox, so the figures do not
 * depend on the machine.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { type Sandbox, startSandbox } from '../sandbox/client.ts';
import { startDevServer } from '../scripts/devServer.ts';
import { startWorker } from '../scripts/program.ts';
import { EXPORT_WORKFLOW, TASK_QUEUE } from '../src/names.ts';
import type { exportAudience } from '../src/workflows/index.ts';

/** The guard lets 20 % pass. */
const SHARES = [0, 0.01, 0.19];
const NO_LIMIT = 1_000_000;

const options = new Command('bench:leavers')
  .description('Counts the requests of the leavers phase')
  .option('--users <count>', 'members of the audience', whole, 100_000)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ users: number; json?: true }>();

interface Cost {
  leavers: number;
  carriers: number;
  /** Gigya searches for carriers: one for each activity `fetchLeavers`. */
  carrierSearches: number;
  adHocScans: number;
  profileLookUps: number;
  /** From the first search for carriers to the last page of leavers. */
  seconds: number;
}

const endings: (() => Promise<unknown>)[] = [];
try {
  const costs = await bench();
  process.stdout.write(options.json ? `${JSON.stringify(costs, null, 2)}\n` : asTable(costs));
} finally {
  for (const end of endings.reverse()) await end().catch(() => undefined);
}
process.exit();

async function bench(): Promise<Cost[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gigya-export-bench-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const sandbox = await startSandbox({ users: options.users, indexLagMs: 0, limits: [NO_LIMIT, NO_LIMIT] });
  endings.push(() => sandbox.stop());
  const { lytics, gigya } = sandbox.authorizations;
  const file = join(folder, 'authorizations.json');
  const limits = { calls_per_second: NO_LIMIT, searches_per_second: NO_LIMIT };
  const written = { lytics, gigya: { ...gigya, limits, index_lag_seconds: 0 } };
  await writeFile(file, JSON.stringify(written), { mode: 0o600 });
  const temporal = await startDevServer({ log: say });
  endings.push(() => temporal.stop());
  const connection = await Connection.connect({ address: temporal.address });
  endings.push(() => connection.close());
  const client = new Client({ connection });
  const worker = await startWorker({ TEMPORAL_ADDRESS: temporal.address, AUTHORIZATIONS_FILE: file });
  endings.push(() => worker.stop());

  await run(client, 'first');
  say(`${options.users} users exported`);
  const costs: Cost[] = [];
  for (const share of SHARES) {
    const { rows: members } = await sandbox.admin.truth();
    await sandbox.admin.leave(Math.floor(members * share));
    await sandbox.admin.clearStats();
    costs.push(await costOf(client, sandbox, `share-${share}`));
    say(`${share * 100} % left`);
  }
  return costs;
}

async function run(client: Client, name: string) {
  const workflowId = `bench-leavers-${name}`;
  const job = { name: 'Bench', auth_ids: ['lytics', 'gigya'], config: { segment_id: 'vip' } };
  const summary = await client.workflow.execute<typeof exportAudience>(EXPORT_WORKFLOW, {
    args: [job],
    taskQueue: TASK_QUEUE,
    workflowId,
  });
  return { workflowId, summary };
}

async function costOf(client: Client, sandbox: Sandbox, name: string): Promise<Cost> {
  const { workflowId, summary } = await run(client, name);
  const { calls } = await sandbox.admin.stats();
  const { extra } = await sandbox.admin.verify();
  if (extra.length > 0) throw new Error(`${extra.length} users who left still carry the audience`);
  const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory();
  const searched = (events ?? []).filter(
    ({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name === 'fetchLeavers',
  );
  const [first] = searched;
  const last = (events ?? []).findLast(
    ({ activityTaskCompletedEventAttributes: done }) => done !== undefined && done !== null,
  );
  return {
    leavers: summary.counts.left,
    carriers: summary.counts.members + summary.counts.left,
    carrierSearches: searched.length,
    adHocScans: sum(calls['adhoc_scan']),
    profileLookUps: sum(calls['entity']),
    seconds: first && last ? secondsOf(last.eventTime) - secondsOf(first.eventTime) : 0,
  };
}

function sum(outcomes: Record<string, number> = {}): number {
  return Object.values(outcomes).reduce((total, count) => total + count, 0);
}

function secondsOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) + (time?.nanos ?? 0) / 1e9;
}

function asTable(costs: readonly Cost[]): string {
  const head = ['left', 'carriers', 'carrier searches', 'ad-hoc scans', 'profile look-ups', 'seconds'];
  const rows = costs.map(({ leavers, carriers, carrierSearches, adHocScans, profileLookUps, seconds }) =>
    [leavers, carriers, carrierSearches, adHocScans, profileLookUps, Math.round(seconds * 10) / 10].map(
      (value) => value.toLocaleString('en-US'),
    ),
  );
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ');
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('must be a whole number from 1');
  return Number(text);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
