/**
 * Records a history of every path of a run, for test/replay: `npm run histories`. Run it, and commit the
 * result, after a compatible change of a workflow. It replaces the old histories.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Command } from 'commander';
import type { JobDocument } from '../src/job.ts';
import { createKeyPair, sealTo } from '../src/sealedTo.ts';
import type { questionKey } from '../src/workflows/index.ts';
import { approveUpdate, progressQuery, refuseUpdate } from '../src/workflows/messages.ts';
import { bundleWorkflows } from '../test/support/bundle.ts';
import { jobDocument } from '../test/support/jobs.ts';
import { depart } from '../test/support/leavers.ts';
import { type Rig, type RigOptions, startRig } from '../test/support/rig.ts';
import { referenceTo, startRows } from '../test/support/rows.ts';
import { chainOf, type ExportHandle, pendingActivities } from '../test/support/temporal.ts';
import { until } from '../test/support/until.ts';
import { startDevServer } from './devServer.ts';

const FOLDER = fileURLToPath(new URL('../test/replay/histories', import.meta.url));

/** More than one page of Lytics, so that there is a cursor; few enough for a small history. */
const USERS = 230;

new Command('npm run histories').description('Records the histories in test/replay/histories again').parse();

await mkdir(FOLDER, { recursive: true });
for (const file of await readdir(FOLDER)) await rm(join(FOLDER, file));
const workflowBundle = { code: await bundleWorkflows() };
const [server, chaining] = await Promise.all([
  startDevServer({ log: console.error }),
  startDevServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 12 } }),
]);
try {
  await withRig({ address: server.address, sandbox: { users: USERS, settleSeconds: 1 } }, recordRuns);
  await withRig({ address: server.address, sandbox: { users: USERS } }, recordRows);
  await withRig({ address: server.address, sandbox: { users: USERS }, alertAfterSeconds: 1 }, recordStall);
  await withRig({ address: chaining.address, sandbox: { users: 1_020 } }, recordChain);
} finally {
  await Promise.all([server.stop(), chaining.stop()]);
}

async function withRig(
  options: Omit<RigOptions, 'workflowBundle'>,
  record: (rig: Rig) => Promise<void>,
): Promise<void> {
  const rig = await startRig({ workflowBundle, ...options });
  try {
    await record(rig);
  } finally {
    await rig.stop();
  }
}

async function recordRuns(rig: Rig): Promise<void> {
  const { admin } = rig.sandbox;
  const record = async (
    shape: string,
    job: JobDocument,
    meanwhile?: (handle: ExportHandle) => Promise<unknown>,
  ) => {
    const handle = await rig.start(job);
    await meanwhile?.(handle);
    await handle.result().catch(() => undefined);
    await admin.clearFaults();
    await save(rig, shape, handle.workflowId);
    const { workflowId, runId } = await handle.describe();
    return { workflowId, runId };
  };
  const firstWrites = async () => until(async () => (await admin.journal()).length > 0);

  await record('preview', jobDocument('Preview', { dry_run: true }));
  await record('account', jobDocument('Account'));
  await record('data-store', jobDocument('Data Store', { target_storage: 'data_store' }));
  await record('nothing-to-write', jobDocument('Account'));

  await depart(rig.sandbox, { elsewhere: 10, deleted: 2 });
  await record('leavers', jobDocument('Account'));
  await depart(rig.sandbox, { elsewhere: 40 });
  const guarded = jobDocument('Account', { max_removals: 0 });
  for (const answer of ['refuse', 'approve'] as const) {
    await record(answer === 'approve' ? 'approved' : 'refused', guarded, async (handle) => {
      const { approval } = await until(async () => {
        const progress = await handle.query(progressQuery);
        return progress.phase === 'approval' && progress;
      });
      if (answer === 'refuse') await handle.executeUpdate(refuseUpdate);
      else await handle.executeUpdate(approveUpdate, { args: [{ removals: approval?.removals ?? 0 }] });
    });
  }

  await admin.addFaults({ match: { path: 'start=' }, times: 1, action: { kind: 'expired_cursor' } });
  await record('cursor-expired', jobDocument('Cursor expired'));

  await admin.change(USERS);
  await admin.addFaults({ match: { method: 'accounts.setAccountInfo' }, action: { kind: 'html' } });
  await record('trouble', jobDocument('Trouble'), async (handle) => {
    await until(async () => (await pendingActivities(handle)).some(({ attempt }) => attempt > 1));
    await admin.clearFaults();
  });

  await admin.change(USERS);
  await admin.addFaults({ match: { method: 'accounts.setAccountInfo' }, action: { kind: 'html' } });
  await record('secret-rotated', jobDocument('Secret rotated'), async (handle) => {
    await until(async () => (await pendingActivities(handle)).some(({ attempt }) => attempt > 1));
    const { user_key, private_key } = rig.sandbox.authorizations['gigya-rsa'];
    await rig.sandbox.changeAuthorization('gigya', { user_key, private_key, secret_key: undefined });
    await admin.clearFaults();
  });

  await admin.change(USERS);
  await admin.addFaults({ match: { method: 'scan' }, action: { kind: 'latency', ms: 1_000 } });
  const paused = await record('paused', jobDocument('Paused'), async (handle) => {
    await until(async () => (await pendingActivities(handle)).some(({ type }) => type === 'fetchMembership'));
    await handle.executeUpdate('pause', { args: ['for the record'] });
    await handle.executeUpdate('resume');
  });

  await admin.change(USERS);
  await admin.clearJournal();
  await admin.patchSettings({ latencyMs: 100 });
  await record('cancelled', jobDocument('Cancelled'), async (handle) => {
    await firstWrites();
    await handle.cancel();
  });
  await admin.patchSettings({ latencyMs: 0 });

  await record('failed', jobDocument('Failed', { segment_id: 'nowhere' }));
  await record('key-revoked', jobDocument('Key revoked'), async () => {
    await admin.patchSettings({ gigya: { keyRevoked: true } });
  });
  await admin.patchSettings({ gigya: { keyRevoked: false } });

  const { publicKey } = await createKeyPair();
  const asked = jobDocument('Checked');
  const workerKey = await rig.client.workflow.execute<typeof questionKey>('questionKey', {
    workflowId: 'worker-key',
    taskQueue: rig.taskQueue,
    args: [asked.auth_ids],
  });
  const uid = await sealTo(workerKey, 'nobody');
  const questions: [string, unknown[]][] = [
    ['listAuthorizations', []],
    ['proveAuthorization', ['lytics']],
    ['listAudiences', ['lytics']],
    ['listLyticsJobs', ['lytics']],
    ['readLyticsJob', ['lytics', (await admin.addJob({ name: 'Imported' })).id]],
    ['checkJob', [asked]],
    ['readRows', [{ run: paused, kind: 'failed', cursor: null, publicKey }]],
    ['questionKey', [asked.auth_ids]],
    ['explainUser', [{ document: asked, uid, run: null, publicKey }]],
  ];
  for (const [question, args] of questions) {
    const workflowId = `question-${question}`;
    await rig.client.workflow.execute(question, { workflowId, taskQueue: rig.taskQueue, args });
    await save(rig, workflowId, workflowId);
  }
}

/** Rows of an earlier run: a retry, and a plan that removes the audience from users after an approval. */
async function recordRows(rig: Rig): Promise<void> {
  const { admin } = rig.sandbox;
  const job = jobDocument('Rows');
  await admin.change(USERS);
  await admin.addFaults({
    match: { method: 'accounts.setAccountInfo', after: 20 },
    times: 5,
    action: { kind: 'gigya_error', code: 400006 },
  });
  const failed = await rig.start(job);
  await failed.result();
  const retry = await startRows(rig, job, 'failures', await referenceTo(failed));
  await retry.result();
  await save(rig, 'retry', retry.workflowId);

  await admin.change(USERS);
  await depart(rig.sandbox, { elsewhere: 3 });
  const previewed = jobDocument('Rows', { dry_run: true, max_removals: 0 });
  const preview = await rig.start(previewed);
  await preview.result();
  const plan = await startRows(rig, previewed, 'plan', await referenceTo(preview));
  await until(async () => (await plan.query(progressQuery)).phase === 'approval');
  await plan.executeUpdate(approveUpdate, { args: [{ removals: 3 }] });
  await plan.result();
  await save(rig, 'plan', plan.workflowId);
}

async function recordStall(rig: Rig): Promise<void> {
  const { admin } = rig.sandbox;
  await admin.addFaults({
    match: { method: 'scan', after: 1 },
    times: 1,
    action: { kind: 'latency', ms: 4_000 },
  });
  const handle = await rig.start(jobDocument('Stalled'));
  await handle.result();
  await save(rig, 'stalled', handle.workflowId);
}

async function recordChain(rig: Rig): Promise<void> {
  const handle = await rig.start(jobDocument('Chain'));
  await handle.result();
  const chain = await chainOf(rig.client, handle.workflowId);
  if (chain.length < 2) throw new Error('The run did not continue as new');
  for (const [index, runId] of chain.entries())
    await save(rig, `chain-${index + 1}`, handle.workflowId, runId);
}

async function save(rig: Rig, shape: string, workflowId: string, runId?: string): Promise<void> {
  const history = await rig.client.workflow.getHandle(workflowId, runId).fetchHistory();
  // A replay needs neither the machine's name nor the paths of the sources.
  const text = historyToJSON(history)
    .replaceAll(`${process.pid}@${hostname()}`, 'recorder')
    .replaceAll(/"stackTrace": ?"(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
  await writeFile(join(FOLDER, `${shape}.json`), text);
  console.log(`${shape}: ${history.events?.length} events, ${Math.round(text.length / 1024)} KB`);
}
