/**
 * A workflow `exportAudience` that the test controls, for the display of a run in states that are hard
 * to reach with the real one. It has the same messages as the real one.
 */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { noCounts } from '../../src/counts.ts';
import type { JobDocument } from '../../src/job.ts';
import {
  approveUpdate,
  type Progress,
  pauseUpdate,
  progressQuery,
  refuseUpdate,
  resumeUpdate,
} from '../../src/workflows/messages.ts';
import type { Summary } from '../../src/workflows/run.ts';

export type Ending = 'complete' | 'continueAsNew' | { failure: string };

export const showSignal = defineSignal<[Partial<Progress>]>('show');
export const endSignal = defineSignal<[Ending]>('end');

export async function exportAudience(document: JobDocument, carried?: Progress): Promise<Summary> {
  const progress = carried ?? begin(document);
  let ending: Ending | undefined;
  setHandler(progressQuery, () => progress);
  setHandler(showSignal, (change) => void Object.assign(progress, change));
  setHandler(endSignal, (value) => {
    ending = value;
  });
  setHandler(pauseUpdate, (note) => {
    Object.assign(progress, { state: 'pausing', paused: { since: progress.started, note: note ?? '' } });
    return 'The run pauses at the next page';
  });
  setHandler(resumeUpdate, () => {
    Object.assign(progress, { state: 'running', paused: null });
    return 'The run continues';
  });
  setHandler(
    approveUpdate,
    () => {
      Object.assign(progress, { phase: 'leavers', approval: null });
      return 'Approved';
    },
    {
      validator: ({ removals }) => {
        if (progress.approval?.removals !== removals) refuse(progress.approval?.removals);
      },
    },
  );
  setHandler(refuseUpdate, () => {
    ending = { failure: 'The removals were refused' };
    return 'Refused: nothing is removed';
  });
  try {
    await condition(() => ending !== undefined);
  } catch (error) {
    if (isCancellation(error)) Object.assign(progress, { state: 'cancelled', phase: 'done' });
    await CancellationScope.nonCancellable(async () => {});
    throw error;
  }
  if (ending === 'continueAsNew') return continueAsNew<typeof exportAudience>(document, progress);
  const isFailure = typeof ending === 'object';
  Object.assign(progress, { state: isFailure ? 'failed' : 'completed', phase: 'done' });
  if (typeof ending === 'object') throw ApplicationFailure.nonRetryable(ending.failure, 'Guard');
  return {
    job: progress.job,
    counts: progress.counts,
    failures: progress.counts.failed > 0 ? { '400009': progress.counts.failed } : {},
    audience: { id: '0'.repeat(32), slug: progress.audience, label: progress.audience, size: 2_000 },
    in_gigya: null,
    dry_run: progress.dry_run,
    scans: 1,
    seconds: 1,
    warnings: progress.warnings,
  };
}

function refuse(removals: number | undefined): never {
  throw ApplicationFailure.nonRetryable(`The run waits with ${removals ?? 'no'} removals`, 'Refused');
}

function begin({ name, config }: JobDocument): Progress {
  return {
    state: 'running',
    phase: 'members',
    started: new Date().toISOString(),
    job: name,
    audience: config.segment_id,
    storage: 'account',
    dry_run: config.dry_run ?? false,
    counts: noCounts(),
    total: 2_000,
    seen: 0,
    scan: 1,
    rate: 0,
    seconds_left: null,
    paused: null,
    sleeping: null,
    approval: null,
    reason: null,
    last_trouble: null,
    in_gigya: null,
    warnings: [],
  };
}
