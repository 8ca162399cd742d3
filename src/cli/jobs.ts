import type { ScheduleDescription } from '@temporalio/client';
import type { Job } from '../job.ts';
import { listedRuns, listedSchedules } from '../listing.ts';
import {
  EXPORT_WORKFLOW,
  JOB_PREFIX,
  previewIdOf,
  ROW_SELECTIONS,
  rowsIdOf,
  slugFromId,
  withoutPreview,
  workflowIdOf,
} from '../names.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import { describeRun, listRuns, type Run } from './runs.ts';
import { describeSchedule, titleOf } from './schedules.ts';
import type { Title } from './title.ts';

/** A job as Temporal knows it: a schedule, runs, or both, with the same id. */
export interface KnownJob {
  /** `gigya-export/…`: the id of the schedule, and of runs started without it. */
  id: string;
  /** The rest of the id, for the command line. */
  slug: string;
  name: string;
  /** The time zone for displayed times. */
  timezone: string;
  schedule: ScheduleDescription | undefined;
  /** Open runs first, then the newest; the newest few only. */
  runs: Run[];
}

/** How many of the listed runs are read to find the newest and the open ones. */
const RECENT = 5;

/**
 * Finds a job by its name in any spelling, or by its full id.
 *
 * @throws {Refused} when there is no such job.
 */
export async function findJob(temporal: Temporal, name: string): Promise<KnownJob> {
  for (const id of idsFor(name)) {
    const job = await jobOf(temporal, id);
    if (job) return job;
  }
  throw new Refused(`There is no job "${name}"; "list" shows the jobs`);
}

/** Runs started with Temporal's CLI may have an id that does not follow from a name. */
function idsFor(name: string): Set<string> {
  if (slugFromId(name) !== undefined) return new Set([name]);
  return new Set([workflowIdOf(name), `${JOB_PREFIX}${name}`]);
}

/** The job with an id; undefined when it has neither a schedule nor runs. */
export async function jobOf(temporal: Temporal, id: string): Promise<KnownJob | undefined> {
  const schedule = await describeSchedule(temporal, id);
  const runs = await newestRuns(temporal, id, schedule);
  if (!schedule && runs.length === 0) return undefined;
  const slug = slugFromId(id) ?? id;
  const timezone = schedule ? schedule.spec.timezone : runs[0]?.title.timezone;
  return { id, slug, name: nameOf({ schedule, runs }) ?? slug, timezone: timezone || 'UTC', schedule, runs };
}

/** The job's name from its schedule or a run; null when none can be read. */
export function nameOf({ schedule, runs }: Pick<KnownJob, 'schedule' | 'runs'>): string | null {
  const titles: Title[] = [...(schedule ? [titleOf(schedule)] : []), ...runs.map(({ title }) => title)];
  return titles.find(({ name }) => name !== null)?.name ?? null;
}

/** The job's present document: its schedule's, or its newest run's. @throws {Refused} when none is valid. */
export function documentOf({ schedule, runs, name }: KnownJob): Job {
  const titles: Title[] = [...(schedule ? [titleOf(schedule)] : []), ...runs.map(({ title }) => title)];
  const found = titles.find(({ job }) => job !== null);
  // An applied plan has the document of its preview, and writes.
  const document = found?.job && { ...found.job, config: { ...found.job.config, dry_run: found.dryRun } };
  if (!document) throw new Refused(`No run of "${name}" has a valid job document`);
  return document;
}

/** Combines the schedule and run descriptions, which are up to date, with the list, which is complete but lags. */
async function newestRuns(
  temporal: Temporal,
  id: string,
  schedule: ScheduleDescription | undefined,
): Promise<Run[]> {
  const { runningActions = [], recentActions = [] } = schedule?.info ?? {};
  const besides = [previewIdOf(id), ...ROW_SELECTIONS.map((selection) => rowsIdOf(id, selection))];
  const ids = new Set([id, ...besides, ...runningActions.map(({ workflow }) => workflow.workflowId)]);
  for (const { action } of recentActions.slice(-RECENT)) ids.add(action.workflow.workflowId);
  let listed = 0;
  for await (const { workflowId } of listRuns(temporal, id)) {
    ids.add(workflowId);
    if (++listed >= RECENT) break;
  }
  const described = await Promise.all([...ids].map((workflowId) => describeRun(temporal, workflowId)));
  // Runs deleted meanwhile (by retention or by hand) are omitted.
  const found = described.filter((run) => run !== undefined);
  // A preview stands for its job only while there is nothing else.
  const written = found.filter(({ workflowId }) => workflowId !== previewIdOf(id));
  const runs = schedule || written.length > 0 ? written : found;
  return runs.sort(
    (one, other) =>
      Number(isOpen(other)) - Number(isOpen(one)) ||
      // A run of the job that starts meanwhile waits for a retry or an applied plan.
      Number(isOpen(other) && other.selection !== null) - Number(isOpen(one) && one.selection !== null) ||
      other.started.getTime() - one.started.getTime(),
  );
}

export function isOpen(run: Run): boolean {
  return run.status === 'RUNNING';
}

/** The open run, running or paused; not a cron that waits for its time, nor a preview, which runs beside it. */
export function runUnderWay({ id, runs }: KnownJob): Run | undefined {
  return runs.find((run) => isOpen(run) && run.sleepsUntil === null && run.workflowId !== previewIdOf(id));
}

/** The cron that waits for its time. */
export function sleepingCron({ runs }: KnownJob): Run | undefined {
  return runs.find((run) => isOpen(run) && run.sleepsUntil !== null);
}

/** The ids of all jobs, those with a schedule first. */
export async function listJobIds({ client }: Temporal): Promise<string[]> {
  const ids = new Set<string>();
  for await (const id of listedSchedules(client, EXPORT_WORKFLOW)) {
    if (slugFromId(id) !== undefined) ids.add(id);
  }
  for await (const run of listedRuns(client, `WorkflowType = "${EXPORT_WORKFLOW}"`)) {
    const id = run.scheduledBy ?? run.workflowId;
    if (slugFromId(id) !== undefined) ids.add(withoutPreview(id));
  }
  return [...ids];
}
