import type { ScheduleDescription, WorkflowExecutionStatusName } from '@temporalio/client';
import type { Counts } from '../counts.ts';
import { slugFromId } from '../names.ts';
import type { Approval, Phase, Progress, State } from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import type { KnownJob } from './jobs.ts';
import { isOpen } from './jobs.ts';
import { outcomeOf } from './outcome.ts';
import { describeRun, progressOf, queryProgress, type Run } from './runs.ts';
import { timesOf, titleOf } from './schedules.ts';
import { noWorker } from './workers.ts';

/**
 * The states of a run, and two more: `no_worker`, when a run is open but no worker can answer its query, and `unknown`
 * for a job that cannot be read.
 */
export type JobState = State | 'no_worker' | 'unknown';

/** The status of a job: its schedule, if it has one, and its newest run. */
export interface JobStatus {
  name: string;
  /** The name to use on the command line. */
  slug: string;
  state: JobState;
  /** What the next run exports, and the last one where that was another audience. */
  audience: string | null;
  /** `daily at 03:30 Europe/Vienna`, or a cron expression. */
  schedule: string | null;
  schedule_paused: { note: string } | null;
  next_run: string | null;
  timezone: string;
  /** Runs that the schedule left out: one was under way, or the server was down for too long. */
  skipped: { overlap: number; missed: number };
  /** Why it waits, is paused or failed. */
  reason: string | null;
  run: RunStatus | null;
  warnings: string[];
}

/** The newest run that has started. */
export interface RunStatus {
  workflow_id: string;
  run_id: string;
  started: string;
  ended: string | null;
  audience: string | null;
  /** A preview: nothing is written. */
  dry_run: boolean;
  phase: Phase | null;
  approval: Approval | null;
  rate: number;
  seconds_left: number | null;
  /** Null when only a worker knows them, and none answers. */
  counts: Counts | null;
  seen: number | null;
  total: number | null;
  in_gigya: number | null;
}

/** The status of a job whose schedule or run holds what this client cannot decode. */
export function unreadable(id: string, error: unknown): JobStatus {
  const slug = slugFromId(id) ?? id;
  return {
    name: slug,
    slug,
    state: 'unknown',
    audience: null,
    schedule: null,
    schedule_paused: null,
    next_run: null,
    timezone: 'UTC',
    skipped: { overlap: 0, missed: 0 },
    reason: `It cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    run: null,
    warnings: [],
  };
}

/** @param hasWorker Whether runs can be queried; without a worker every query takes seconds to fail. */
export async function statusOf(temporal: Temporal, job: KnownJob, hasWorker: boolean): Promise<JobStatus> {
  const { schedule, runs } = job;
  const [newest] = runs;
  const title = schedule ? titleOf(schedule) : newest?.title;
  const cron = newest?.hasBegun === false ? newest : undefined;
  const hasEnded = cron !== undefined && !isOpen(cron);
  const expiredAt = expiryOf(schedule);
  const idle: JobStatus = {
    name: job.name,
    slug: job.slug,
    state: schedule?.state.paused ? 'paused' : stateWithoutRun(hasEnded, expiredAt),
    audience: title?.audience ?? null,
    schedule: schedule ? timesOf(schedule) : newest?.cron && isOpen(newest) ? newest.cron : null,
    schedule_paused: pauseOf(schedule),
    next_run: nextRun(schedule, cron),
    timezone: job.timezone,
    skipped: {
      overlap: schedule?.info.numActionsSkippedOverlap ?? 0,
      missed: schedule?.info.numActionsMissedCatchupWindow ?? 0,
    },
    reason:
      (schedule?.state.paused && schedule.state.note) ||
      (hasEnded ? 'The cron was ended between two runs' : null) ||
      (expiredAt ? `The job expired at ${expiredAt.toISOString()}, so no further run starts` : null),
    run: null,
    warnings: [],
  };
  const run = cron ? await runBefore(temporal, cron) : newest;
  if (!run) return idle;
  const status = isOpen(run)
    ? await openRun(temporal, idle, run, hasWorker)
    : await closedRun(temporal, idle, run, hasWorker);
  if (hasEnded) return { ...status, state: idle.state, reason: idle.reason };
  // A job that runs again is sleeping, unless its last run failed; another job shows how its run ended.
  const runsAgain = schedule !== undefined || cron !== undefined;
  if (status.state === 'completed' && runsAgain) status.state = idle.state;
  if (!isOpen(run) && schedule?.state.paused) return { ...status, state: 'paused', reason: idle.reason };
  return status;
}

/** When a schedule ended; undefined while it has runs ahead. */
function expiryOf(schedule: ScheduleDescription | undefined): Date | undefined {
  const endAt = schedule?.spec.endAt;
  return endAt && endAt.getTime() <= Date.now() ? endAt : undefined;
}

function stateWithoutRun(hasEnded: boolean, expiredAt: Date | undefined): JobState {
  if (hasEnded) return 'cancelled';
  return expiredAt ? 'completed' : 'sleeping';
}

function pauseOf(schedule: ScheduleDescription | undefined): { note: string } | null {
  return schedule?.state.paused ? { note: schedule.state.note ?? '' } : null;
}

function nextRun(schedule: ScheduleDescription | undefined, cron: Run | undefined): string | null {
  if (cron?.sleepsUntil) return cron.sleepsUntil.toISOString();
  if (!schedule || schedule.state.paused) return null;
  return schedule.info.nextActionTimes[0]?.toISOString() ?? null;
}

function runBefore(temporal: Temporal, cron: Run): Promise<Run | undefined> {
  if (cron.previousRunId === null) return Promise.resolve(undefined);
  return describeRun(temporal, cron.workflowId, cron.previousRunId);
}

/** The server notices only after a while that a killed worker polls no more. */
const SILENT = 'No worker answers for this run; if none is running, start one with "npm run worker"';
const UNABLE = 'The worker does not answer for this run; see its log';

async function openRun(
  temporal: Temporal,
  idle: JobStatus,
  run: Run,
  hasWorker: boolean,
): Promise<JobStatus> {
  if (!hasWorker) {
    return { ...idle, state: 'no_worker', reason: noWorker(temporal.taskQueue), run: runStatus(run) };
  }
  const progress = await queryProgress(temporal, run);
  if (progress === 'silent') return { ...idle, state: 'no_worker', reason: SILENT, run: runStatus(run) };
  if (progress === 'unable') return { ...idle, state: 'running', reason: UNABLE, run: runStatus(run) };
  return {
    ...idle,
    // An open run reports that it has ended just before it closes.
    state: progress.state,
    reason: reasonFrom(progress),
    run: runStatus(run, progress),
    warnings: progress.warnings,
  };
}

/** Why a run waits. The note counts only while paused: a run may complete before a pause takes effect. */
export function reasonFrom({ state, paused, reason }: Progress): string | null {
  const isPaused = state === 'paused' || state === 'pausing';
  return (isPaused && paused?.note) || reason || null;
}

async function closedRun(
  temporal: Temporal,
  idle: JobStatus,
  run: Run,
  hasWorker: boolean,
): Promise<JobStatus> {
  const outcome = await outcomeOf(temporal, run);
  if ('summary' in outcome) {
    const { counts, audience, dry_run, in_gigya, warnings } = outcome.summary;
    const shown = { counts, seen: counts.members, total: counts.members, in_gigya, dry_run };
    return {
      ...idle,
      state: 'completed',
      warnings,
      run: { ...runStatus(run), ...shown, phase: 'done', audience: audience.slug },
    };
  }
  const progress = hasWorker ? await progressOf(temporal, run) : undefined;
  const shown = runStatus(run, progress);
  const counts = outcome.done?.counts ?? shown.counts;
  return {
    ...idle,
    state: stateOfEnded(run.status),
    reason: outcome.failure.message,
    run: { ...shown, counts, approval: null, phase: 'done' },
    warnings: progress?.warnings ?? [],
  };
}

/** Runs that a person cancelled or terminated are cancelled; other runs that did not complete failed. */
export function stateOfEnded(status: WorkflowExecutionStatusName): 'completed' | 'cancelled' | 'failed' {
  if (status === 'COMPLETED') return 'completed';
  return status === 'CANCELLED' || status === 'TERMINATED' ? 'cancelled' : 'failed';
}

function runStatus(run: Run, progress?: Progress): RunStatus {
  return {
    workflow_id: run.workflowId,
    run_id: run.runId,
    started: progress?.started ?? run.started.toISOString(),
    ended: run.ended?.toISOString() ?? null,
    audience: progress?.audience || run.title.audience,
    dry_run: progress?.dry_run ?? run.title.dryRun,
    phase: progress?.phase ?? null,
    approval: progress?.approval ?? null,
    rate: progress?.rate ?? 0,
    seconds_left: progress?.seconds_left ?? null,
    counts: progress?.counts ?? null,
    seen: progress?.seen ?? null,
    total: progress?.total ?? null,
    in_gigya: progress?.in_gigya ?? null,
  };
}
