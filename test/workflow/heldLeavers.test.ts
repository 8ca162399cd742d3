import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import { parseJob } from '../../src/job.ts';
import { SEAL_BROKEN } from '../../src/names.ts';
import { beginRun, type Run } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';

let rig: MockRig;
beforeAll(async () => {
  rig = await startMockRig(provided(), { pages: 1, pageSize: 10 });
});
afterAll(() => rig.stop());

/** A run that has found leavers, and is about to correct them. */
function runWithLeavers(minutesAgo: number): Run {
  const run = beginRun(Date.now());
  return {
    ...run,
    plan: {
      job: parseJob(jobDocument('held')),
      audience: { id: '0'.repeat(32), slug: 'vip', label: 'vip' },
      index_lag_seconds: 0,
      alert_after_seconds: 900,
      warnings: [],
    },
    isScanned: true,
    leavers: {
      ...run.leavers,
      step: 'write',
      pages: [{ page: 'sealed', left: 10 }],
      foundAt: Date.now() - minutesAgo * 60_000,
    },
  };
}

it.each([
  [1, 0],
  [11, 1],
])('leavers that were found %i min ago are compared again %i times', async (minutesAgo, times) => {
  const before = rig.comparedAgain();
  const handle = await rig.start(jobDocument('held'), { run: runWithLeavers(minutesAgo), at: Date.now() });
  // The comparison finds nobody who left by now.
  expect((await handle.result()).counts.left).toBe(times === 0 ? 10 : 0);
  expect(rig.comparedAgain() - before).toBe(times);
});

it('are searched for again when the secret changes while carriers wait for their comparison', async () => {
  const asked: LeaversToFetch[] = [];
  const found: LeaversPage = {
    page: null,
    counts: {},
    failures: {},
    next: 'second',
    expired: false,
    carriers: 1_000,
    missing: 'sealed',
    unproven: null,
  };
  const { start, stop } = await startMockRig(provided(), {
    pages: 1,
    pageSize: 10,
    activities: {
      async fetchLeavers(input) {
        asked.push(input);
        if (asked.length === 2) throw ApplicationFailure.nonRetryable('another secret', SEAL_BROKEN);
        if (input.cursor === null) return found;
        return { ...found, page: 'sealed', counts: { left: 10 }, next: null, missing: null };
      },
    },
  });
  try {
    const { counts, warnings } = await (await start(jobDocument('secret'))).result();
    expect(asked.map(({ cursor, missing }) => [cursor, missing])).toEqual([
      [null, null],
      ['second', 'sealed'],
      [null, null],
      ['second', 'sealed'],
    ]);
    expect(counts).toMatchObject({ members: 10, left: 10 });
    expect(warnings.join()).toContain('The Gigya secret changed while leavers were held');
  } finally {
    await stop();
  }
});
