import pMap from 'p-map';
import type { Counts } from '../counts.ts';
import type { RowSelection } from '../names.ts';
import type { Phase } from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import { isOpen } from './jobs.ts';
import { outcomeOf } from './outcome.ts';
import { describeRun, listRuns, progressOf, queryProgress, type Run } from './runs.ts';
import { type JobState, reasonFrom, stateOfEnded } from './status.ts';

/** A run that has ended, or is under way. */
export interface PastRun {
  workflow_id: string;
  run_id: string;
  started: string;
  ended: string | null;
  seconds: number | null;
  state: JobState;
  phase: Phase | null;
  /** A preview: nothing was written. */
  dry_run: boolean;
  /** `failures` for a retry, `plan` for an applied plan. */
  rows: RowSelection | null;
  /** Null when only a worker knows them, and none answers. */
  counts: Counts | null;
  /** Why it failed, or what it waits for. */
  reason: string | null;
}

/** Each run takes several calls, and a replay when only a worker knows the counts. */
const AT_ONCE = 5;

/** The last runs of a job, newest first. */
export async function pastRuns(
  temporal: Temporal,
  jobId: string,
  { limit, hasWorker }: { limit: number; hasWorker: boolean },
): Promise<PastRun[]> {
  const listed: { workflowId: string; runId: string }[] = [];
  for await (const { workflowId, runId } of listRuns(temporal, jobId)) {
    // A cron that sleeps until its time is listed as well.
    if (listed.length > limit) break;
    listed.push({ workflowId, runId });
  }
  const runs = await pMap(listed, ({ workflowId, runId }) => describeRun(temporal, workflowId, runId), {
    concurrency: AT_ONCE,
  });
  const kept = runs.filter((run) => run !== undefined);
  const begun = kept.filter(({ hasBegun }) => hasBegun).slice(0, limit);
  return pMap(begun, (run) => pastRun(temporal, run, hasWorker), { concurrency: AT_ONCE });
}

async function pastRun(temporal: Temporal, run: Run, hasWorker: boolean): Promise<PastRun> {
  const { workflowId, runId, started, ended, title, selection } = run;
  const past: PastRun = {
    workflow_id: workflowId,
    run_id: runId,
    started: started.toISOString(),
    ended: ended?.toISOString() ?? null,
    seconds: ended && Math.round((ended.getTime() - started.getTime()) / 1000),
    state: 'no_worker',
    phase: null,
    dry_run: title.dryRun,
    rows: selection,
    counts: null,
    reason: null,
  };
  if (isOpen(run)) {
    const progress = hasWorker ? await queryProgress(temporal, run) : 'silent';
    if (progress === 'silent') return past;
    if (progress === 'unable') return { ...past, state: 'running' };
    const { state, phase, counts, dry_run } = progress;
    return { ...past, state, phase, counts, dry_run, reason: reasonFrom(progress) };
  }
  const outcome = await outcomeOf(temporal, run);
  if ('summary' in outcome) {
    const { counts, dry_run } = outcome.summary;
    return { ...past, state: 'completed', counts, dry_run };
  }
  const counts = outcome.done?.counts ?? (hasWorker ? (await progressOf(temporal, run))?.counts : undefined);
  return {
    ...past,
    state: stateOfEnded(run.status),
    counts: counts ?? null,
    reason: outcome.failure.message,
  };
}
