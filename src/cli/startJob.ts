import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ScheduleOverlapPolicy, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { hasExpired, type Job } from '../job.ts';
import { EXPORT_WORKFLOW, PREVIEW, previewIdOf, slugOf, workflowIdOf } from '../names.ts';
import type { exportAudience } from '../workflows/index.ts';
import { commandLine } from './commandLine.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import { jobOf, type KnownJob, nameOf, runUnderWay, sleepingCron } from './jobs.ts';
import {
  createSchedule,
  describeSchedule,
  shownInWebUi,
  timesOf,
  titleOf,
  updateSchedule,
} from './schedules.ts';

/** A schedule starts its run a moment after it was triggered. */
const TRIGGER_PATIENCE_MS = 15_000;

export interface StartedRun {
  workflowId: string;
  runId: string;
}

/** Runs the job once: through its schedule if it has one, else as a workflow of its own. */
export async function runOnce(
  temporal: Temporal,
  job: Job,
  options: TriggerOptions = {},
): Promise<StartedRun> {
  const known = await jobFor(temporal, job);
  if (known?.schedule) {
    assertSameDocument(known, job);
    return trigger(temporal, known, options);
  }
  if (known) assertNoRun(known);
  return startAlone(temporal, job);
}

function assertSameDocument({ schedule, name, slug }: KnownJob, job: Job): void {
  if (!schedule || isDeepStrictEqual(titleOf(schedule).job, job)) return;
  const fix = job.config.continuous_update
    ? 'update the schedule with "create", or give this job another name'
    : `delete the schedule with "${commandLine('delete', slug)}", or give this job another name`;
  throw new Refused(`"${name}" has a schedule with another document; ${fix}`);
}

async function startAlone({ client, taskQueue }: Temporal, job: Job): Promise<StartedRun> {
  const workflowId = workflowIdOf(job.name);
  try {
    const { firstExecutionRunId } = await client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
      workflowId,
      taskQueue,
      args: [job],
      ...shownInWebUi(job),
    });
    return { workflowId, runId: firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new Refused(underWay(job.name, slugOf(job.name)));
  }
}

/** Starts a preview of the job, beside its runs. */
export async function startPreview(temporal: Temporal, job: Job): Promise<StartedRun> {
  await jobFor(temporal, job);
  const { client, taskQueue } = temporal;
  const workflowId = previewIdOf(workflowIdOf(job.name));
  const shown = shownInWebUi(job);
  try {
    const { firstExecutionRunId } = await client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
      workflowId,
      taskQueue,
      args: [{ ...job, config: { ...job.config, dry_run: true } }],
      ...shown,
      staticSummary: `Preview of ${shown.staticSummary}`,
    });
    return { workflowId, runId: firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const slug = `${slugOf(job.name)}${PREVIEW}`;
    throw new Refused(
      `A preview of "${job.name}" is under way; follow it with "${commandLine('follow', slug)}"`,
    );
  }
}

export interface Creation {
  outcome: 'started' | 'created' | 'updated' | 'unchanged';
  run?: StartedRun;
  /** The schedule's times, and its note while it is paused. */
  times: string | null;
  paused: { note: string } | null;
}

/** Creates the job: with continuous_update a schedule, and a first run unless it is paused; else one run. */
export async function createJob(temporal: Temporal, job: Job): Promise<Creation> {
  assertNotExpired(job);
  const known = await jobFor(temporal, job);
  const schedule = known?.schedule;
  if (!job.config.continuous_update) {
    if (job.status === 'paused') {
      throw new Refused(
        `"${job.name}" has no schedule to pause; remove status, or set config.continuous_update to true`,
      );
    }
    if (schedule) {
      throw new Refused(
        `"${job.name}" has a schedule (${timesOf(schedule)}), and this document turns continuous_update off; delete the schedule first: ${commandLine('delete', known.slug)}`,
      );
    }
    return { outcome: 'started', run: await runOnce(temporal, job), times: null, paused: null };
  }
  if (known && !schedule) assertNoRun(known);
  const run = schedule ? undefined : await createWithFirstRun(temporal, job);
  const isChanged = schedule !== undefined && !isDeepStrictEqual(titleOf(schedule).job, job);
  if (isChanged) await updateSchedule(temporal, job);
  const present = await describeSchedule(temporal, workflowIdOf(job.name));
  return {
    outcome: !schedule ? 'created' : isChanged ? 'updated' : 'unchanged',
    ...(run && { run }),
    times: present ? timesOf(present) : null,
    paused: present?.state.paused ? { note: present.state.note ?? '' } : null,
  };
}

async function createWithFirstRun(temporal: Temporal, job: Job): Promise<StartedRun | undefined> {
  await createSchedule(temporal, job);
  if (job.status === 'paused') return undefined;
  const created = await jobOf(temporal, workflowIdOf(job.name));
  if (!created) throw new Refused(`The schedule of "${job.name}" was deleted while its first run started`);
  return trigger(temporal, created);
}

/** Every run would fail, and the schedule would never start one. */
function assertNotExpired(job: Job): void {
  if (!hasExpired(job)) return;
  throw new Refused(`"${job.name}" expired at ${job.expires_at}; set expires_at to a later time`);
}

export interface TriggerOptions {
  /** Triggers even while the schedule is paused. */
  force?: boolean;
}

/** Triggers the job's schedule. Runs of one job never overlap. */
export async function trigger(
  temporal: Temporal,
  job: KnownJob,
  { force = false }: TriggerOptions = {},
): Promise<StartedRun> {
  const { id, name, slug, schedule } = job;
  if (!schedule) throw new Refused(`The job "${name}" has no schedule; start it with "run"`);
  assertNoRun(job);
  if (schedule.state.paused && !force) {
    const note = schedule.state.note ? ` (${schedule.state.note})` : '';
    throw new Refused(
      `The schedule of "${name}" is paused${note}; resume it with "${commandLine('resume', slug)}", or add --force to run it once anyway`,
    );
  }
  const known = new Set(schedule.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
  await temporal.client.schedule.getHandle(id).trigger(ScheduleOverlapPolicy.SKIP);
  const deadline = Date.now() + TRIGGER_PATIENCE_MS;
  while (Date.now() < deadline) {
    const info = (await describeSchedule(temporal, id))?.info;
    const started = (info?.recentActions ?? []).map(({ action }) => action.workflow);
    const fresh = started.find(({ firstExecutionRunId }) => !known.has(firstExecutionRunId));
    if (fresh) return { workflowId: fresh.workflowId, runId: fresh.firstExecutionRunId };
    if ((info?.numActionsSkippedOverlap ?? 0) > schedule.info.numActionsSkippedOverlap) {
      throw new Refused(underWay(name, slug));
    }
    await sleep(100);
  }
  throw new Refused(
    `The schedule of "${name}" started no run within ${TRIGGER_PATIENCE_MS / 1000} s; inspect it with "npm run temporal -- schedule describe --schedule-id ${id}"`,
  );
}

/** The existing job with this job's id. @throws {Refused} when it has another name. */
async function jobFor(temporal: Temporal, job: Job): Promise<KnownJob | undefined> {
  const id = workflowIdOf(job.name);
  const known = await jobOf(temporal, id);
  const first = known && nameOf(known);
  if (!first || first === job.name) return known;
  throw new Refused(
    `The id ${id} belongs to the job "${first}"; give "${job.name}" a name with other letters or digits`,
  );
}

export function assertNoRun(job: KnownJob): void {
  if (runUnderWay(job)) throw new Refused(underWay(job.name, job.slug));
  const cron = sleepingCron(job);
  if (!cron) return;
  throw new Refused(
    `"${job.name}" is run by the cron "${cron.cron}"; end that first: ${commandLine('cancel', job.slug)}`,
  );
}

export function underWay(name: string, slug: string): string {
  return `A run of "${name}" is under way; follow it with "${commandLine('follow', slug)}"`;
}
