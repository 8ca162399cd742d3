import {
  type Client,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { Counts } from '../counts.ts';
import type { exportAudience } from '../workflows/index.ts';
import { Refused, reasonOf } from './errors.ts';
import { ask } from './follow.ts';
import { documentOf, type Jobs } from './jobs.ts';

/** Lytics' words. */
export type JobState = 'running' | 'sleeping' | 'paused' | 'failed' | 'completed';

/** A job as a person sees it: its schedule, if it has one, and its newest run. */
export interface JobStatus {
  name: string;
  state: JobState;
  audience: string;
  /** When the schedule runs next. */
  next_run: string | null;
  /** `03:30 Europe/Vienna`, for a job that is kept updated. */
  daily: string | null;
  /** Why it is paused, what it waits for, or why it failed. */
  reason: string | null;
  workflow_id: string | null;
  started: string | null;
  dry_run: boolean;
  /** Of the newest run; null when only a worker could tell and none answers. */
  counts: Counts | null;
  /** Users of the audience that the newest run has seen, and that there are. */
  seen: number | null;
  total: number | null;
  warnings: string[];
}

/**
 * @param isWorkerThere Whether runs can be asked; without a worker nobody answers, and each question takes seconds.
 * @throws {Refused} when there is no such job.
 */
export async function statusOf(jobs: Jobs, name: string, isWorkerThere: boolean): Promise<JobStatus> {
  const [schedule, workflowId] = await Promise.all([jobs.describeSchedule(name), jobs.newestRun(name)]);
  if (!schedule && workflowId === undefined) {
    throw new Refused(`There is no job "${name}"; "list" shows those there are`);
  }
  const document = schedule && documentOf(schedule);
  const isPaused = schedule?.state.paused === true;
  const status: JobStatus = {
    name: document?.name ?? name,
    state: isPaused ? 'paused' : 'sleeping',
    audience: document?.config.segment_id ?? '',
    next_run: isPaused ? null : (schedule?.info.nextActionTimes[0]?.toISOString() ?? null),
    daily: document ? `${document.config.time_of_day} ${document.config.timezone}` : null,
    reason: (isPaused && schedule.state.note) || null,
    workflow_id: workflowId ?? null,
    started: null,
    dry_run: document?.config.dry_run ?? false,
    counts: null,
    seen: null,
    total: null,
    warnings: [],
  };
  if (workflowId === undefined) return status;

  const handle = jobs.handleOf(workflowId);
  const run = await handle.describe();
  status.started = run.startTime.toISOString();
  if (run.status.name === 'COMPLETED') {
    const { job, counts, audience, warnings, dry_run } = await handle.result();
    if (!schedule) status.state = 'completed';
    return {
      ...status,
      name: job,
      audience: audience.slug,
      counts,
      seen: counts.members,
      total: counts.members,
      warnings,
      dry_run,
    };
  }
  // Started by a cron expression, it waits for its time.
  if (run.executionTime && run.executionTime > new Date()) {
    return { ...status, state: 'sleeping', next_run: run.executionTime.toISOString() };
  }
  const progress = isWorkerThere ? await ask(handle) : undefined;
  if (progress) {
    const { job, audience, counts, seen, total, warnings, dry_run } = progress;
    Object.assign(status, { name: job, audience, counts, seen, total, warnings, dry_run });
  }
  if (run.status.name === 'RUNNING') {
    status.state = progress?.state === 'paused' ? 'paused' : 'running';
    status.reason = progress?.paused?.note || progress?.reason || null;
  } else if (!isPaused) {
    status.state = 'failed';
    status.reason = await failureOf(handle);
  }
  return status;
}

async function failureOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
    return '';
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return reasonOf(error).message;
  }
}

/** A run that has ended, or is under way. */
export interface PastRun {
  workflow_id: string;
  run_id: string;
  started: string;
  ended: string | null;
  state: 'running' | 'completed' | 'failed';
  counts: Counts | null;
  /** Why it failed. */
  reason: string | null;
}

/** The last runs of a job, newest first. */
export async function pastRuns(client: Client, jobs: Jobs, name: string, limit: number): Promise<PastRun[]> {
  const past: PastRun[] = [];
  for await (const run of jobs.runs(name)) {
    if (past.length >= limit) break;
    // Without what comes after it by a cron expression.
    const handle = client.workflow.getHandle<typeof exportAudience>(run.workflowId, run.runId, {
      followRuns: false,
    });
    const entry: PastRun = {
      workflow_id: run.workflowId,
      run_id: run.runId,
      started: run.startTime.toISOString(),
      ended: run.closeTime?.toISOString() ?? null,
      state: 'running',
      counts: null,
      reason: null,
    };
    past.push(entry);
    if (run.status.name === 'RUNNING') continue;
    entry.state = run.status.name === 'COMPLETED' ? 'completed' : 'failed';
    try {
      entry.counts = (await handle.result()).counts;
    } catch (error) {
      if (error instanceof WorkflowFailedError) entry.reason = reasonOf(error).message;
      // The server shows no result of a run that is followed by another: it can be asked all the same.
      else if (error instanceof WorkflowContinuedAsNewError)
        entry.counts = (await ask(handle))?.counts ?? null;
      else throw error;
    }
  }
  return past;
}
