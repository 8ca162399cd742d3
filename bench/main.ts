/**
 * The speed of an export compared with a bare loop that makes the same calls: `npm run bench`. They run in turn, each
 * with a fresh sandbox, so that other load on the machine affects both.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { type Sandbox, startSandbox } from '../sandbox/client.ts';
import { startDevServer } from '../scripts/devServer.ts';
import { startProgram, startWorker } from '../scripts/program.ts';
import { authorizationsSchema, type GigyaAuthorization } from '../src/authorizations.ts';
import { type ExportRun, measureExport } from './exporter.ts';
import { watchResources } from './process.ts';
import { asReport, asTables, type Pair } from './report.ts';
import { startBareLoop } from './startBareLoop.ts';

const AUDIENCE = 'vip';
/** So high that no call waits; the sandbox has no quota either. */
const NO_LIMIT = 1_000_000;

const options = new Command('bench')
  .description('Compares the exporter with a bare loop that makes the same calls')
  .option('--users <count>', 'members of the audience', whole, 20_000)
  .option('--runs <count>', 'measured runs of each, after one to warm up', whole, 3)
  .option('--connections <count>', 'concurrent calls to Gigya, of each', whole, 20)
  .option(
    '--latency <ms>',
    'time the sandbox waits before each reply; a real Gigya takes about 150',
    whole,
    2,
  )
  .option('--worker <file>', 'the worker to measure, such as src/worker.ts (default: built first)')
  .option('--time-limit <minutes>', 'maximum duration', whole, 15)
  .option('--json', 'print JSON')
  .parse()
  .opts<{
    users: number;
    runs: number;
    connections: number;
    latency: number;
    worker?: string;
    timeLimit: number;
    json?: true;
  }>();

const endings: (() => Promise<unknown>)[] = [];
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => reject(new Error(`Interrupted by ${signal}`)));
  setTimeout(
    () => reject(new Error(`Not finished after ${options.timeLimit} min; see --time-limit`)),
    options.timeLimit * 60_000,
  ).unref();
});
let exitCode = 0;
try {
  const report = asReport(options, await Promise.race([bench(), interrupted]));
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : asTables(report));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  exitCode = 1;
} finally {
  for (const end of endings.reverse()) await end().catch(() => undefined);
}
process.exit(exitCode);

async function bench(): Promise<Pair[]> {
  const { users, runs, connections, latency } = options;
  const folder = await mkdtemp(join(tmpdir(), 'gigya-export-bench-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const authorizationsFile = join(folder, 'authorizations.json');
  await writeFile(authorizationsFile, '{}');
  const temporal = await startDevServer({ log: say });
  endings.push(() => temporal.stop());
  const connection = await Connection.connect({ address: temporal.address });
  endings.push(() => connection.close());
  const client = new Client({ connection });
  // One worker and one bare loop for all runs: both are warm after the first.
  const env = {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    TASK_QUEUE: 'gigya-export',
    AUTHORIZATIONS_FILE: authorizationsFile,
    // An interrupted bench does not wait for the worker's pages.
    SHUTDOWN_GRACE: '0',
  };
  const worker = await startWorker(env, options.worker ?? (await build()));
  endings.push(() => worker.stop());
  const bareLoop = startBareLoop();
  endings.push(() => bareLoop.stop());

  const pairs: Pair[] = [];
  for (let run = 0; run <= runs; run++) {
    const exporter = await onFreshSandbox(async (sandbox) => {
      await authorize(sandbox);
      const full = await measureExport(client, worker, job());
      expectWritten('exporter', full.summary.counts.updated);
      await judge('exporter', sandbox);
      await sandbox.admin.clearStats();
      const nothingNew = await measureExport(client, worker, job());
      expectNothingWritten(nothingNew);
      const { calls } = await sandbox.admin.stats();
      return { full, nothingNew, searches: calls['accounts.search']?.['0'] ?? 0 };
    });
    const bare = await onFreshSandbox(async (sandbox) => {
      const { lytics, gigya } = await authorize(sandbox);
      const taken = await watchResources(bareLoop.pid);
      const { seconds } = await bareLoop.run({ audience: AUDIENCE, lytics, gigya });
      const resources = await taken();
      await judge('bare loop', sandbox);
      return { seconds, ...resources };
    });
    const name = run === 0 ? 'warm-up' : `run ${run} of ${runs}`;
    const rate = (seconds: number) => `${Math.round(users / seconds)} users/s`;
    say(`${name}: exporter ${rate(exporter.full.seconds)}, bare loop ${rate(bare.seconds)}`);
    if (run > 0) pairs.push({ exporter, bare });
  }
  return pairs;

  /** There every account has to be written. */
  async function onFreshSandbox<T>(measure: (sandbox: Sandbox) => Promise<T>): Promise<T> {
    const sandbox = await startSandbox({
      users,
      latencyMs: latency,
      indexLagMs: 0,
      authorizations: join(folder, 'sandbox.json'),
    });
    endings.push(() => sandbox.stop());
    const measured = await measure(sandbox);
    await sandbox.stop();
    return measured;
  }

  /** Writes the worker's authorizations: the sandbox's, limited by connections only. */
  async function authorize({ url, authorizations }: Sandbox) {
    const { lytics, gigya } = authorizations;
    const limits = { calls_per_second: NO_LIMIT, searches_per_second: NO_LIMIT, connections };
    const written = { lytics, gigya: { ...gigya, limits, index_lag_seconds: 0 } };
    await writeFile(authorizationsFile, JSON.stringify(written), { mode: 0o600 });
    const read = authorizationsSchema.parse(written);
    if (read['lytics']?.provider !== 'lytics' || read['gigya']?.provider !== 'gigya')
      throw new Error('The sandbox lacks the authorizations "lytics" and "gigya"');
    const withBaseUrl: GigyaAuthorization & { base_url: string } = { ...read['gigya'], base_url: url };
    return { lytics: read['lytics'], gigya: withBaseUrl };
  }
}

/** As in production: TypeScript compiled at load time is slower. */
async function build(): Promise<string> {
  const builder = startProgram('scripts/build.ts', []);
  if ((await builder.exited) !== 0) throw new Error(`The build failed:\n${builder.output()}`);
  return 'dist/src/worker.js';
}

function job() {
  return { name: 'Bench', auth_ids: ['lytics', 'gigya'], config: { segment_id: AUDIENCE } };
}

/** A run counts only if every account has the right audiences after one write each. */
async function judge(who: string, sandbox: Sandbox): Promise<void> {
  const { ok, expected, exact } = await sandbox.admin.verify({ audience: AUDIENCE });
  if (!ok) throw new Error(`${who}: ${exact} of ${expected} accounts have the right audiences`);
  const { calls } = await sandbox.admin.stats();
  expectWritten(
    who,
    Object.values(calls['accounts.setAccountInfo'] ?? {}).reduce((sum, n) => sum + n, 0),
  );
}

function expectWritten(who: string, writes: number): void {
  if (writes !== options.users) throw new Error(`${who}: ${writes} writes for ${options.users} users`);
}

function expectNothingWritten({ summary: { counts } }: ExportRun): void {
  if (counts.unchanged !== options.users)
    throw new Error(`Nothing had changed, but ${counts.updated} users were written`);
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('must be a whole number from 1');
  return Number(text);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
