import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type DevServer, startDevServer } from '../../scripts/dev-server.ts';
import { accountedFor } from '../../src/counts.ts';
import type { Run } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { chainOf } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const USERS = 3_450;

let server: DevServer;
let rig: Rig;

beforeAll(async () => {
  // A server of its own: the threshold holds for all of a server's workflows.
  server = await startDevServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 15 } });
  rig = await startRig({
    address: server.address,
    workflowBundle: { codePath: inject('workflowBundle') },
    sandbox: { users: USERS },
  });
});
afterAll(async () => {
  await rig.stop();
  await server.stop();
});

it('carries cursor and counts from run to run, and writes each user once', async () => {
  const handle = await rig.start(jobDocument('chain'));
  const { counts, in_gigya, sweeps } = await handle.result();

  const chain = await chainOf(rig.client, handle.workflowId);
  expect(chain.length).toBeGreaterThanOrEqual(2);
  const carried = await Promise.all(chain.slice(1).map(carriedInto));
  let seen = 0;
  for (const run of carried) {
    expect(run.plan?.audience.slug).toBe('vip');
    expect(run.sweep.cursor?.start).not.toBe('');
    // Nothing is under way between two runs: who was fetched is accounted for.
    expect(run.sweep.counted).toBe(run.sweep.seen);
    expect(accountedFor(run.counts)).toBe(run.counts.members);
    expect(run.sweep.seen).toBeGreaterThan(seen);
    seen = run.sweep.seen;
  }

  expect(sweeps).toBe(1);
  expect(counts).toMatchObject({ members: USERS, updated: USERS, failed: 0 });
  expect(in_gigya).toBe(USERS);
  expect(await rig.sandbox.admin.verify()).toMatchObject({ ok: true, exact: USERS });
  const writes = (await rig.sandbox.admin.journal()).map(({ uid }) => uid);
  expect(new Set(writes).size).toBe(writes.length);

  async function carriedInto(runId: string): Promise<Run> {
    const { events } = await rig.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const [document, run] = payloads.map((payload) => defaultPayloadConverter.fromPayload<unknown>(payload));
    expect(document).toEqual(jobDocument('chain'));
    return run as Run;
  }
});

it('stays paused across the chain, with its note', async () => {
  await rig.sandbox.admin.change(500);
  const handle = await rig.start(jobDocument('paused chain'));
  const { firstExecutionRunId } = handle;
  // The chain has gone on to a second run by the time this is paused.
  await until(async () => (await handle.describe()).runId !== firstExecutionRunId);
  const newest = rig.client.workflow.getHandle(handle.workflowId);
  await newest.executeUpdate('pause', { args: ['quota is needed elsewhere'] });
  const { state, paused } = await newest.query<{ state: string; paused: { note: string } }>('progress');
  expect({ state, note: paused.note }).toEqual({ state: 'paused', note: 'quota is needed elsewhere' });
  await newest.executeUpdate('resume');
  const { counts } = await handle.result();
  expect(counts.members).toBe(USERS);
  expect(counts.updated + counts.unchanged).toBe(USERS);
});
