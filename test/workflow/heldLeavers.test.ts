import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import { assertSelected } from '../../src/activities/selectedRun.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { SEAL_BROKEN } from '../../src/names.ts';
import { beginRun, type Run } from '../../src/workflows/run.ts';
import { captureOutput, runCommand } from '../support/commandRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';
import type { ExportHandle } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let rig: MockRig;
beforeAll(async () => {
  rig = await startMockRig(provided(), { pages: 1, pageSize: 10 });
});
afterAll(() => rig.stop());

/** A run that has found leavers, and is about to correct them. */
function runWithLeavers(minutesAgo: number, config: Partial<JobDocument['config']> = {}): Run {
  const run = beginRun(Date.now());
  return {
    ...run,
    plan: {
      job: parseJob(jobDocument('held', config)),
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

const activitiesIn = ({ events }: Awaited<ReturnType<ExportHandle['fetchHistory']>>) =>
  (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name ?? []);

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

it('are searched for again in a run that cannot hold all; a preview lists some, says so, and is not applied', async () => {
  const partly = (config: Partial<JobDocument['config']>) => {
    const run = runWithLeavers(1, config);
    return { run: { ...run, leavers: { ...run.leavers, isPartial: true, removals: 30 } }, at: Date.now() };
  };
  const real = await rig.start(jobDocument('held'), partly({}));
  // The second search finds nobody else.
  expect(await real.result()).not.toHaveProperty('is_partial');
  expect(activitiesIn(await real.fetchHistory())).toEqual(['updateGigya', 'fetchLeavers', 'countCarriers']);

  const document = jobDocument('held', { dry_run: true });
  const preview = await rig.start(document, partly({ dry_run: true }));
  const { workflowId, runId } = await preview.describe();
  expect(await preview.result()).toMatchObject({
    is_partial: true,
    counts: { left: 10 },
    guard: { removals: 30 },
    warnings: [expect.stringContaining('it does not list all of them, and cannot be applied')],
  });
  const selection = { rows: 'plan', workflow_id: workflowId, run_id: runId } as const;
  const written = parseJob(jobDocument('held'));
  await expect(assertSelected(rig.client, selection, written)).rejects.toThrow(
    /does not list all users who left, and only a whole plan can be applied$/,
  );
  const release = captureOutput();
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: 'default' };
  const { taskQueue } = rig;
  const apply = () => runCommand(['apply', '--run', runId], { taskQueue }, env);
  // The list of workflows, which finds the preview by its run id, lags.
  const applied = await until(
    async () => {
      const ended = await apply();
      return !ended.stderr.includes('does not have the preview') && ended;
    },
    { limitMs: 60_000 },
  ).finally(release);
  expect(applied).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('only a whole plan can be applied; run the job instead'),
  });
});

it('a preview that failed, or has not ended, is not applied', async () => {
  const document = jobDocument('unfinished', { dry_run: true });
  const written = parseJob(jobDocument('unfinished'));
  const held = await startMockRig(provided(), { pages: 1, pageSize: 10, isHeld: true });
  try {
    const preview = await held.start(document);
    const { workflowId, runId } = await preview.describe();
    const selection = { rows: 'plan', workflow_id: workflowId, run_id: runId } as const;
    const refused = () => assertSelected(held.client, selection, written);
    await expect(refused()).rejects.toThrow(/has not ended yet$/);
    await preview.terminate();
    await expect(refused()).rejects.toThrow(/did not complete, and only a whole plan can be applied$/);
  } finally {
    await held.stop();
  }
});
