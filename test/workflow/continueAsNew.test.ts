import { defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { afterAll, assert, beforeAll, expect, inject, it } from 'vitest';
import { type DevServer, startDevServer } from '../../scripts/devServer.ts';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import { accountedFor } from '../../src/counts.ts';
import type { Carried } from '../../src/workflows/carried.ts';
import { seenIn } from '../../src/workflows/lanes.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import type { Run } from '../../src/workflows/run.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart } from '../support/leavers.ts';
import { startMockRig } from '../support/mockRig.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { referenceTo, rowsOf, startRows } from '../support/rows.ts';
import { chainOf, DELETES_SOON, deleteRun, untilStill } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const USERS = 1_450;

let server: DevServer;
let temporal: { address: string; workflowBundle: WorkflowBundleOption };
let rig: Rig;

beforeAll(async () => {
  // A server of its own: the threshold applies to all workflows of a server.
  server = await startDevServer({
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 15, ...DELETES_SOON },
  });
  temporal = { address: server.address, workflowBundle: { codePath: inject('workflowBundle') } };
  rig = await startRig({ ...temporal, sandbox: { users: USERS } });
});
afterAll(async () => {
  await rig.stop();
  await server.stop();
});

it('passes cursor and counts from run to run, and writes each user once', async () => {
  const handle = await rig.start(jobDocument('chain'));
  const { counts, in_gigya, scans } = await handle.result();

  const chain = await chainOf(rig.client, handle.workflowId);
  expect(chain.length).toBeGreaterThanOrEqual(2);
  const carried = await Promise.all(chain.slice(1).map(carriedInto));
  let seen = 0;
  for (const run of carried) {
    expect(run.plan?.audience.slug).toBe('vip');
    expect(run.scan.lanes.some(({ cursor }) => cursor?.start !== '')).toBe(true);
    // Nothing is in flight between two runs: who was fetched is accounted for.
    expect(run.scan.counted).toBe(seenIn(run.scan.lanes));
    expect(accountedFor(run.counts)).toBe(run.counts.members);
    // Once the members are done it continues as new while it looks for leavers.
    if (run.isScanned) expect(seenIn(run.scan.lanes)).toBe(USERS);
    else expect(seenIn(run.scan.lanes)).toBeGreaterThan(seen);
    seen = seenIn(run.scan.lanes);
  }

  expect(scans).toBe(1);
  expect(counts).toMatchObject({ members: USERS, updated: USERS, failed: 0 });
  expect(in_gigya).toBe(USERS);
  expect(await rig.sandbox.admin.verify()).toMatchObject({ ok: true, exact: USERS });
  const writes = (await rig.sandbox.admin.journal()).map(({ uid }) => uid);
  expect(new Set(writes).size).toBe(writes.length);

  async function carriedInto(runId: string): Promise<Run> {
    const { events } = await rig.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const [document, carried] = payloads;
    assert(document && carried);
    expect(defaultPayloadConverter.fromPayload(document)).toEqual(jobDocument('chain'));
    return defaultPayloadConverter.fromPayload<Carried>(carried).run;
  }
});

it('starts paused when it was paused while the previous run waited for its last pages', async () => {
  const mocked = await startMockRig(temporal, { pages: 6, pageSize: 10, isHeld: true });
  try {
    const first = await mocked.start(jobDocument('paused chain'));
    const { runId } = await first.describe();
    // By the first page its history is long already: the run waits for that page, to continue as new.
    await untilStill(first, (types) => types.join() === 'updateGigya');
    await first.executeUpdate('pause', { args: ['quota is needed elsewhere'] });
    mocked.letAllGo();

    await until(async () => (await first.describe()).runId !== runId);
    await untilStill(first, (types) => types.length === 0);
    expect(mocked.fetched()).toBe(1);
    const progress = await first.query<Progress>('progress');
    expect(progress).toMatchObject({ state: 'paused', paused: { note: 'quota is needed elsewhere' } });
    await first.executeUpdate('resume');
    expect((await first.result()).counts).toMatchObject({ members: 60, updated: 60 });
  } finally {
    await mocked.stop();
  }
});

it('continues as new while it searches for leavers, and waits for approval with all of them', async () => {
  const nobody = {
    page: null,
    counts: {},
    failures: {},
    next: null,
    expired: false,
    carriers: 0,
    missing: null,
    unproven: null,
  };
  const batches = 8;
  let comparedAgain = 0;
  const mocked = await startMockRig(temporal, {
    pages: 1,
    pageSize: 10,
    written: () => ({ updated: 10, carrying: 10 }),
    activities: {
      async fetchLeavers({ cursor, again }: LeaversToFetch): Promise<LeaversPage> {
        const found = { ...nobody, page: 'sealed', counts: { left: 10 } };
        if (again !== undefined) {
          comparedAgain++;
          return found;
        }
        const batch = Number(cursor) + 1;
        return { ...found, carriers: 100, next: batch === batches ? null : String(batch) };
      },
    },
  });
  try {
    const handle = await mocked.start(jobDocument('leavers chain', { max_removals: 5 }));
    const { approval } = await until(async () => {
      const progress = await handle.query<Progress>('progress').catch(() => undefined);
      return progress?.phase === 'approval' && progress;
    });
    expect(approval).toMatchObject({ removals: batches * 10, carriers: batches * 100 });
    expect((await chainOf(mocked.client, handle.workflowId)).length).toBeGreaterThan(2);
    await handle.executeUpdate('approve', { args: [{ removals: batches * 10 }] });
    expect((await handle.result()).counts).toMatchObject({
      members: 10,
      left: batches * 10,
      updated: 10 + batches * 10,
    });
    expect(comparedAgain).toBe(batches);
  } finally {
    await mocked.stop();
  }
});

it('passes on where a plan is, and writes each of its rows once', async () => {
  const { admin } = rig.sandbox;
  await admin.change(USERS);
  await depart(rig.sandbox, { elsewhere: 20 });
  const job = jobDocument('chain', { dry_run: true, max_removals: 0 });
  const preview = await rig.start(job);
  const { counts: found } = await preview.result();
  await admin.clearJournal();
  const apply = await startRows(rig, job, 'plan', await referenceTo(preview));
  await until(async () => (await apply.query<Progress>('progress')).phase === 'approval', {
    limitMs: 120_000,
  });
  await apply.executeUpdate('approve', { args: [{ removals: 20 }] });
  const { counts } = await apply.result();
  expect((await chainOf(rig.client, apply.workflowId)).length).toBeGreaterThanOrEqual(2);
  expect(counts).toMatchObject({ left: 20, updated: found.updated, unchanged: 0, failed: 0 });
  const writes = (await admin.journal()).map(({ uid }) => uid);
  expect(writes).toHaveLength(found.updated);
  expect(new Set(writes).size).toBe(writes.length);

  // A plan whose beginning is gone would look complete.
  const [first = ''] = await chainOf(rig.client, preview.workflowId);
  const last = await referenceTo(preview);
  expect(await rowsOf(rig, last, 'changed')).toHaveLength(found.updated);
  await deleteRun(rig.client, preview.workflowId, first);
  const gone = `Temporal no longer has the beginning of the run ${last.runId} of ${last.workflowId}: the namespace "default" keeps runs for`;
  await expect(rowsOf(rig, last, 'changed')).rejects.toThrow(gone);
  await admin.clearJournal();
  expect(await failureOf(await startRows(rig, job, 'plan', last))).toMatchObject({
    type: 'Configuration',
    message: expect.stringContaining(gone),
  });
  expect(await admin.journal()).toEqual([]);
}, 240_000);
