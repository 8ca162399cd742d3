import type { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountedFor } from '../../src/counts.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { type ExportHandle, pendingActivities, untilStill } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const progressOf = (handle: ExportHandle) => handle.query<Progress>('progress');

async function refusal(update: Promise<unknown>): Promise<string> {
  return update.then(
    () => 'accepted',
    (error: WorkflowUpdateFailedError) => error.cause?.message ?? error.message,
  );
}

describe('pause and resume', () => {
  let rig: MockRig;
  beforeAll(async () => {
    rig = await startMockRig(provided(), { pages: 6, pageSize: 10, isHeld: true });
  });
  afterAll(() => rig.stop());

  it('hold a run between two pages, and are refused when they do not apply', async () => {
    const handle = await rig.start(jobDocument('steered'));
    await untilStill(handle, (types) => types.length === 2);

    expect(await refusal(handle.executeUpdate('resume'))).toBe('The run is not paused');
    expect(await refusal(handle.executeUpdate('pause', { args: [{ note: 'not text' }] }))).toBe(
      'The note must be text',
    );
    // Anyone can send the signal of activities: nothing that it holds blocks the run.
    for (const args of [[], [null], ['slow'], [{ activity: 1, reason: {} }]]) {
      await handle.signal('trouble', ...args);
    }
    await handle.signal('trouble', { activity: '1', reason: 'Gigya is slow' });
    await until(async () => (await progressOf(handle)).reason === 'Gigya is slow');
    await handle.signal('trouble', { activity: '1', reason: null });
    const answer = await handle.executeUpdate<string, [string]>('pause', { args: ['until Monday'] });
    expect(answer).toBe('The run pauses when the pages in flight are written');
    expect(await refusal(handle.executeUpdate('pause'))).toMatch(/^The run is already paused, since 20\d\d-/);

    expect(await progressOf(handle)).toMatchObject({ state: 'pausing', paused: { note: 'until Monday' } });

    rig.letAllGo();
    // What is in flight is written; nothing more is fetched, and the page that was fetched ahead waits.
    await untilStill(handle, (types) => types.length === 0);
    expect(rig.fetched()).toBe(3);
    const paused = await progressOf(handle);
    expect(paused).toMatchObject({
      state: 'paused',
      paused: { note: 'until Monday' },
      counts: { members: 20, updated: 20 },
      seen: 20,
      total: 60,
      seconds_left: null,
    });

    expect(await handle.executeUpdate('resume')).toBe('The run continues');
    expect((await handle.result()).counts).toMatchObject({ members: 60, updated: 60 });
    expect(await progressOf(handle)).toMatchObject({
      state: 'completed',
      phase: 'done',
      paused: null,
      seen: 60,
    });
  });
});

describe('a run against the services', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({
      ...provided(),
      sandbox: { users: 1_200, latencyMs: 20, limits: [400, 40], settleSeconds: 2 },
    });
  });
  afterAll(() => rig.stop());

  it('stops within a page when it is cancelled, and accounts for the users it reached', async () => {
    await rig.sandbox.admin.clearJournal();
    const handle = await rig.start(jobDocument('cancelled'));
    await until(async () => (await rig.sandbox.admin.journal()).length >= 50);
    await handle.cancel();
    expect((await failureOf(handle)).type).toBe('Cancelled');

    const written = (await rig.sandbox.admin.journal()).length;
    expect(written).toBeLessThan(1_000);
    const { state, reason, counts } = await progressOf(handle);
    expect({ state, reason }).toEqual({ state: 'cancelled', reason: 'The run was cancelled' });
    expect(accountedFor(counts)).toBe(counts.members);
    // Those in flight at that moment, about 400 × 0.02, and those just answered, are not known to have been written.
    expect(counts.updated).toBeLessThanOrEqual(written);
    expect(written - counts.updated).toBeLessThanOrEqual(2 * 20);

    // It has ended: no more is written by the time that another run of the same worker has.
    await rig.run(jobDocument('after', { dry_run: true }));
    expect((await rig.sandbox.admin.journal()).length).toBe(written);
  });

  it('reports its progress, and refuses to pause after its last page', async () => {
    const handle = await rig.start(jobDocument('watched'));
    const middle = await until(async () => {
      const progress = await progressOf(handle);
      return progress.counts.members > 0 && progress.phase === 'members' && progress;
    });
    expect(middle).toMatchObject({
      state: 'running',
      job: 'watched',
      audience: 'vip',
      storage: 'account',
      total: 1_200,
    });
    expect(middle.rate).toBeGreaterThan(0);
    await until(async () => (await progressOf(handle)).phase === 'settling');
    expect(await pendingActivities(handle)).toEqual([]);
    expect(await refusal(handle.executeUpdate('pause'))).toBe('The run has already written its last page');
    const { counts, in_gigya } = await handle.result();
    expect(in_gigya).toBe(1_200);
    expect(await progressOf(handle)).toMatchObject({ state: 'completed', counts, in_gigya, seen: 1_200 });
  });
});
