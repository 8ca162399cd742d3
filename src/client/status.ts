import { type Client, WorkflowFailedError } from '@temporalio/client';
import type { Counts } from '../counts.ts';
import type { Progress } from '../workflows/progress.ts';
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
  /** Why it is paused, or why it failed. */
  reason: string | null;
  workflow_id: string | null;
  started: string | null;
  progress: Progress | null;
}

/** @throws {Refused} when there is no such job. */
export async function statusOf(jobs: Jobs, name: string): Promise<JobStatus> {
  const [schedule, workflowId] = await Promise.all([jobs.describeSchedule(name), jobs.newestRun(name)]);
  if (!schedule && workflowId === undefined) {
    throw new Refused(`There is no job "${name}"; "list" shows those there are`);
  }
  const handle = workflowId === undefined ? undefined : jobs.handleOf(workflowId);
  const run = await handle?.describe();
  const progress = handle ? ((await ask(handle)) ?? null) : null;
  const isRunning = run?.status.name === 'RUNNING';
  const hasFailed = run !== undefined && !['RUNNING', 'COMPLETED'].includes(run.status.name);
  const document = schedule && documentOf(schedule);

  let state: JobState = schedule ? 'sleeping' : 'completed';
  let reason: string | null = null;
  if (isRunning) state = progress?.state === 'paused' ? 'paused' : 'running';
  else if (schedule?.state.paused) state = 'paused';
  else if (hasFailed) state = 'failed';
  if (state === 'paused') reason = progress?.paused?.note || schedule?.state.note || null;
  if (state === 'running') reason = progress?.trouble ?? null;
  if (state === 'failed') reason = progress?.trouble ?? run?.status.name.toLowerCase() ?? null;
  return {
    name: document?.name ?? progress?.job ?? name,
    state,
    audience: document?.config.segment_id ?? progress?.audience ?? '',
    next_run:
      schedule && !schedule.state.paused ? (schedule.info.nextActionTimes[0]?.toISOString() ?? null) : null,
    daily: document ? `${document.config.time_of_day} ${document.config.timezone}` : null,
    reason,
    workflow_id: workflowId ?? null,
    started: run?.startTime.toISOString() ?? null,
    progress,
  };
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
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
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
    try {
      const summary: { counts: Counts } = await handle.result();
      entry.state = 'completed';
      entry.counts = summary.counts;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      entry.state = 'failed';
      entry.reason = reasonOf(error).message;
    }
  }
  return past;
}
