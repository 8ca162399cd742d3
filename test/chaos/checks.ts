import assert from 'node:assert/strict';
import { breachOfInvariant } from '../../src/counts.ts';
import type { JobConfig } from '../../src/job.ts';
import type { Summary } from '../../src/workflows/run.ts';
import type { ExportHandle } from '../support/temporal.ts';
import type { Stage } from './stage.ts';

/** Proves that a run is under way: what is killed after it has ended proves nothing. */
export async function assertRunning(handle: Pick<ExportHandle, 'describe'>): Promise<void> {
  const { status } = await handle.describe();
  assert.equal(status.name, 'RUNNING', 'the run is under way');
}

/** The end that every run has to come to, whatever befell it: all members, exactly, and nobody else. */
export async function assertWhole(
  stage: Stage,
  summary: Summary,
  storage: JobConfig['target_storage'] = 'account',
) {
  const verdict = await stage.sandbox.admin.verify({ storage });
  const { missing, different, extra, damaged, orphans, expected, exact } = verdict;
  assert.deepEqual(
    { missing, different, extra, damaged, orphans },
    { missing: [], different: [], extra: [], damaged: [], orphans: [] },
  );
  assert.equal(exact, expected);
  assert.equal(breachOfInvariant(summary.counts), undefined);
  assert.equal(summary.counts.failed, 0);
  assert.ok(summary.counts.members >= expected);
}
