import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { FaultInput, Sandbox } from '../../sandbox/client.ts';
import { startSandbox } from '../../sandbox/client.ts';
import { type DevServer, startDevServer } from '../../scripts/devServer.ts';
import { type Program, startWorker } from '../../scripts/program.ts';
import type { JobConfig, JobDocument } from '../../src/job.ts';
import { EXPORT_WORKFLOW, TASK_QUEUE } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { progressQuery } from '../../src/workflows/messages.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart } from '../support/leavers.ts';
import { type QuickSandbox, startQuickSandbox } from '../support/quickSandbox.ts';
import { connectClient, type ExportHandle, pendingActivities, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { assertRunning } from './checks.ts';

export type Victim = 'worker' | 'Temporal' | 'services';

/** A Temporal server, the services and a worker, each in a process that can be killed, and comes back as it was. */
export interface Mortals {
  client: Client;
  sandbox: QuickSandbox;
  /** A job whose authorizations no other one of the last few jobs uses. */
  document(config: Partial<JobConfig>): JobDocument;
  start(job: Partial<JobConfig> | JobDocument): Promise<ExportHandle>;
  /** Kills a program while these runs are open, without its faults, and restarts it. */
  kill(victim: Victim, runs: readonly Pick<ExportHandle, 'describe'>[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startMortals(users: number): Promise<Mortals> {
  const folder = await mkdtemp(join(tmpdir(), 'gigya-export-'));
  const state = join(folder, 'sandbox.jsonl');
  const dbFilename = join(folder, 'temporal.db');
  let server: DevServer;
  const [begun, sandbox] = await Promise.all([
    startDevServer({ dbFilename }),
    startQuickSandbox({ users, outsiders: 0, state }),
  ]);
  server = begun;
  const { address } = server;
  await addAuthorizations(sandbox.authorizationsFile);
  const env = { TEMPORAL_ADDRESS: address, AUTHORIZATIONS_FILE: sandbox.authorizationsFile };
  let services: Sandbox = sandbox;
  let worker: Program = await startWorker(env);
  let started = 0;
  const client = connectClient(address);

  const restart: Record<Victim, () => Promise<void>> = {
    async worker() {
      worker.kill('SIGKILL');
      await worker.exited;
      await sandbox.admin.clearFaults();
      worker = await startWorker(env);
    },
    async Temporal() {
      server.kill('SIGKILL');
      await server.exited;
      await sandbox.admin.clearFaults();
      server = await startDevServer({ dbFilename, port: Number(address.split(':')[1]) });
    },
    async services() {
      await services.kill();
      const port = Number(new URL(sandbox.url).port);
      services = await startSandbox({ port, state, authorizations: join(folder, 'authorizations.json') });
      await sandbox.admin.clearFaults();
    },
  };
  function documentOf(config: Partial<JobConfig>): JobDocument {
    const n = started++ % RUNS_AT_ONCE;
    return { ...jobDocument(unique('mortal'), config), auth_ids: [`lytics-${n}`, `gigya-${n}`] };
  }
  return {
    client,
    sandbox,
    document: documentOf,
    start(job) {
      const document = 'auth_ids' in job ? job : documentOf(job);
      return client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
        workflowId: unique(document.name),
        taskQueue: TASK_QUEUE,
        args: [document],
      });
    },
    async kill(victim, runs) {
      await Promise.all(runs.map(assertRunning));
      await restart[victim]();
    },
    async stop() {
      worker.kill('SIGKILL');
      await worker.exited;
      await services.kill();
      await client.connection.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs share no connections: requests that are held for one would use up those of the others. */
const RUNS_AT_ONCE = 8;

async function addAuthorizations(file: string): Promise<void> {
  const written: Record<string, object> = JSON.parse(await readFile(file, 'utf8'));
  const { lytics, gigya } = written;
  const copies = Array.from({ length: RUNS_AT_ONCE }, (_, n) => ({
    [`lytics-${n}`]: lytics,
    [`gigya-${n}`]: gigya,
  }));
  await writeFile(file, JSON.stringify(Object.assign({}, written, ...copies)));
}

/** Holds requests from then on: until the death of who waits for them, or for some seconds when someone else dies. */
export function held(victim: Victim, match: FaultInput['match']): FaultInput {
  // An answer that is lost with its server must not be waited for until it times out. On a busy machine, one run is
  // seconds behind the other.
  const action: FaultInput['action'] =
    victim === 'Temporal' ? { kind: 'latency', ms: 15_000 } : { kind: 'silence', applied: true };
  return { match, action };
}

/** Waits until each of these runs has an activity of this type in flight, and requests are held. */
export async function untilHeld(
  mortals: Mortals,
  type: string,
  runs: readonly ExportHandle[],
): Promise<void> {
  const isHeld = async (run: ExportHandle) =>
    (await pendingActivities(run)).some((activity) => activity.type === type);
  await until(
    async () => {
      if (!(await Promise.all(runs.map(isHeld))).every(Boolean)) return false;
      const faults = await mortals.sandbox.admin.faults();
      return faults.reduce((sum, { fired }) => sum + fired, 0) >= runs.length;
    },
    { limitMs: 120_000 },
  );
}

/** A run that waits for approval. */
export function untilApproval(run: ExportHandle) {
  return until(
    async () => {
      const progress = await run.query(progressQuery).catch(() => undefined);
      return progress?.phase === 'approval' && progress.approval;
    },
    { limitMs: 120_000 },
  );
}

/** Members of an audience, every other one in another audience as well. */
export async function addMembers(
  { sandbox: { admin } }: Mortals,
  slug: string,
  count: number,
): Promise<string[]> {
  const audiences = await admin.audiences();
  const other = audiences.find((one) => one.isPublic && one.slug !== 'vip' && one.slug !== slug);
  const uids = Array.from({ length: count }, (_, n) => `${slug}-${n}`);
  const rows = uids.map((uid, n) => ({
    fields: { gy_profile_id: uid },
    audiences: n % 2 === 0 && other ? [slug, other.slug] : [slug],
  }));
  await admin.putAccounts(...uids.map((uid) => ({ uid })));
  await admin.putRows(...rows);
  return uids;
}

/** Throws unless Gigya holds exactly what Lytics says, for everybody who is or was a member. */
export async function assertExact(
  { sandbox: { admin } }: Mortals,
  audience: string,
  storage: JobConfig['target_storage'],
): Promise<void> {
  const { missing, different, extra, stale, orphans } = await admin.verify({ audience, storage });
  assert.deepEqual(
    { missing, different, extra, stale, orphans },
    { missing: [], different: [], extra: [], stale: [], orphans: [] },
  );
}

const STORAGES = ['account', 'data_store'] as const;
export const WRITES = ['accounts.setAccountInfo', 'ds.store'] as const;

/**
 * Members of `vip` leave. One program is killed while a run for each storage searches for them, and one while they
 * are corrected. Throws unless Gigya holds exactly what Lytics says in the end.
 */
async function killedTwice(mortals: Mortals, searching: Victim, correcting: Victim): Promise<void> {
  const { admin } = mortals.sandbox;
  await depart(mortals.sandbox, { elsewhere: 30, nowhere: 20, deleted: 10 });
  // One scan of each run proves that its members are found.
  await admin.addFaults(held(searching, { method: 'adhoc_scan', after: STORAGES.length }));
  const runs = await Promise.all(STORAGES.map((target_storage) => mortals.start({ target_storage })));
  await untilHeld(mortals, 'fetchLeavers', runs);
  await mortals.kill(searching, runs);

  await admin.addFaults(...WRITES.map((method) => held(correcting, { method, after: 10 })));
  await untilHeld(mortals, 'updateGigya', runs);
  await mortals.kill(correcting, runs);
  for (const { counts } of await Promise.all(runs.map((run) => run.result()))) {
    assert.deepEqual([counts.left, counts.failed], [60, 0]);
  }
  for (const storage of STORAGES) await assertExact(mortals, 'vip', storage);
}

/** {@link killedTwice}, with an audience that is exported to both storages. */
export async function leaversKilled(searching: Victim, correcting: Victim): Promise<void> {
  const mortals = await startMortals(400);
  try {
    const runs = await Promise.all(STORAGES.map((target_storage) => mortals.start({ target_storage })));
    await Promise.all(runs.map((run) => run.result()));
    await killedTwice(mortals, searching, correcting);
  } finally {
    await mortals.stop();
  }
}
