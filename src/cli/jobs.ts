import type { ScheduleDescription } from '@temporalio/client';
import { EXPORT_WORKFLOW, JOB_PREFIX, slugFromId, workflowIdOf } from '../names.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import { describeRun, listRuns, type Run } from './runs.ts';
import { describeSchedule, titleOf } from './schedules.ts';
import type { Title } from './title.ts';

/** A job is what shares one id: a schedule, runs, or both. */
export interface KnownJob {
  /** `gigya-export/…`; of the schedule and of runs that were started alone. */
  id: string;
  /** What people type: the rest of the id. */
  slug: string;
  name: string;
  /** What its times are shown in. */
  timezone: string;
  schedule: ScheduleDescription | undefined;
  /** Open runs first, then the newest; the newest few only. */
  runs: Run[];
}

/** How many of the listed runs are looked at to find the newest one, and those that are open. */
const RECENT = 5;

/**
 * The job of a name in any spelling, or of a whole id.
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

/** Runs that Temporal's own CLI started may have an id that no name gives. */
function idsFor(name: string): Set<string> {
  if (slugFromId(name) !== undefined) return new Set([name]);
  return new Set([workflowIdOf(name), `${JOB_PREFIX}${name}`]);
}

/** What there is under an id; undefined when that is nothing. */
export async function jobOf(temporal: Temporal, id: string): Promise<KnownJob | undefined> {
  const schedule = await describeSchedule(temporal, id);
  const runs = await newestRuns(temporal, id, schedule);
  if (!schedule && runs.length === 0) return undefined;
  const slug = slugFromId(id) ?? id;
  const timezone = schedule ? schedule.spec.timezone : runs[0]?.title.timezone;
  return { id, slug, name: nameOf({ schedule, runs }) ?? slug, timezone: timezone || 'UTC', schedule, runs };
}

/** The job's name as its schedule or a run has it; null when none of them can be read. */
export function nameOf({ schedule, runs }: Pick<KnownJob, 'schedule' | 'runs'>): string | null {
  const titles: Title[] = [...(schedule ? [titleOf(schedule)] : []), ...runs.map(({ title }) => title)];
  return titles.find(({ name }) => name !== null)?.name ?? null;
}

/** The schedule and a run's description are up to date; the list is a moment behind, but complete. */
async function newestRuns(
  temporal: Temporal,
  id: string,
  schedule: ScheduleDescription | undefined,
): Promise<Run[]> {
  const { runningActions = [], recentActions = [] } = schedule?.info ?? {};
  const ids = new Set([id, ...runningActions.map(({ workflow }) => workflow.workflowId)]);
  for (const { action } of recentActions.slice(-RECENT)) ids.add(action.workflow.workflowId);
  let listed = 0;
  for await (const { workflowId } of listRuns(temporal, id)) {
    ids.add(workflowId);
    if (++listed >= RECENT) break;
  }
  const described = await Promise.all([...ids].map((workflowId) => describeRun(temporal, workflowId)));
  // Of those that are gone by now (retention, or deleted by hand), nothing is left to show.
  const runs = described.filter((run) => run !== undefined);
  return runs.sort(
    (one, other) =>
      Number(isOpen(other)) - Number(isOpen(one)) || other.started.getTime() - one.started.getTime(),
  );
}

export function isOpen(run: Run): boolean {
  return run.status === 'RUNNING';
}

/** The run that is at work, or paused; a cron that sleeps until its time is not. */
export function runUnderWay({ runs }: KnownJob): Run | undefined {
  return runs.find((run) => isOpen(run) && run.sleepsUntil === null);
}

/** The cron that waits for its time. */
export function sleepingCron({ runs }: KnownJob): Run | undefined {
  return runs.find((run) => isOpen(run) && run.sleepsUntil !== null);
}

/** The ids of all jobs, those with a schedule first. */
export async function listJobIds({ client }: Temporal): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { scheduleId, action } of client.schedule.list()) {
    if (slugFromId(scheduleId) !== undefined && action?.workflowType === EXPORT_WORKFLOW) ids.add(scheduleId);
  }
  for await (const run of client.workflow.list({ query: `WorkflowType = "${EXPORT_WORKFLOW}"` })) {
    const [scheduledBy] = run.searchAttributes['TemporalScheduledById'] ?? [];
    const id = typeof scheduledBy === 'string' ? scheduledBy : run.workflowId;
    if (slugFromId(id) !== undefined) ids.add(id);
  }
  return [...ids];
}
