import {
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptionsAction,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { HOUR_MS } from '../clock.ts';
import type { Job } from '../job.ts';
import { EXPORT_WORKFLOW, workflowIdOf } from '../names.ts';
import type { Temporal } from './connect.ts';
import { minuteOf, specOf } from './scheduleSpec.ts';
import { memoOf, readTitle, type Title } from './title.ts';

/** A schedule that is missing is undefined: most commands have something to do without one. */
export async function describeSchedule(
  { client }: Temporal,
  scheduleId: string,
): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** What the schedule's next run will be. */
export function titleOf(schedule: ScheduleDescription): Title {
  return readTitle(schedule.action.args?.[0], schedule.memo);
}

export function scheduleOptions(job: Job, taskQueue: string) {
  const action: ScheduleOptionsAction = {
    type: 'startWorkflow',
    workflowType: EXPORT_WORKFLOW,
    workflowId: workflowIdOf(job.name),
    taskQueue,
    args: [job],
    ...shownInWebUi(job),
  };
  return {
    action,
    spec: specOf(job),
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' as const },
  };
}

/** Memo and summary of a job's runs. */
export function shownInWebUi(job: Job) {
  const { name, description, config } = job;
  const target = config.target_storage === 'account' ? 'accounts' : 'the Data Store';
  return {
    memo: memoOf(job),
    staticSummary: `${name}: audience ${config.segment_id} to ${target}`,
    ...(description && { staticDetails: description }),
  };
}

export async function createSchedule({ client, taskQueue }: Temporal, job: Job): Promise<void> {
  // Not with `triggerImmediately`: the schedule would not skip a later run for the run that this starts.
  await client.schedule.create({
    scheduleId: workflowIdOf(job.name),
    ...scheduleOptions(job, taskQueue),
    memo: memoOf(job),
    ...(job.status === 'paused' && { state: { paused: true, note: PAUSED_BY_DOCUMENT } }),
  });
}

const PAUSED_BY_DOCUMENT = 'paused by the job document';

export async function updateSchedule({ client, taskQueue }: Temporal, job: Job): Promise<void> {
  // The whole spec is replaced: a part of it would add to the times that are there.
  const options = scheduleOptions(job, taskQueue);
  await client.schedule.getHandle(workflowIdOf(job.name)).update(({ state }) => ({
    ...options,
    // A document without `status` does not resume what a person paused.
    state:
      job.status === 'paused' && !state.paused ? { ...state, paused: true, note: PAUSED_BY_DOCUMENT } : state,
  }));
}

/** `daily at 03:30 Europe/Vienna`: the schedule's own times, which may be other than its document's. */
export function timesOf({ spec }: ScheduleDescription): string {
  const timezone = spec.timezone || 'UTC';
  const [calendar, ...others] = spec.calendars ?? [];
  const [interval] = spec.intervals ?? [];
  if (calendar && others.length === 0 && !interval) {
    const [hour, minute] = [calendar.hour, calendar.minute].map(single);
    if (hour !== undefined && minute !== undefined) {
      return `${rhythm(calendar)} at ${twoDigits(hour)}:${twoDigits(minute)} ${timezone}`;
    }
    if (minute !== undefined) return hourly(minute);
  }
  if (interval && others.length === 0 && !calendar) {
    const isHourly = Number(interval.every) === HOUR_MS;
    return isHourly
      ? hourly(minuteOf(Number(interval.offset ?? 0), timezone))
      : `every ${Number(interval.every) / 1000} s`;
  }
  return `several times, in ${timezone}`;
}

type Calendar = NonNullable<ScheduleDescription['spec']['calendars']>[number];
type Ranges = Calendar['hour'];

function rhythm({ dayOfWeek, dayOfMonth }: Calendar): string {
  const [weekday] = dayOfWeek ?? [];
  const [day] = dayOfMonth ?? [];
  if (weekday && weekday.start === weekday.end) return `weekly on ${titleCase(weekday.start)}`;
  if (day && day.start === day.end) return `monthly on day ${day.start}`;
  return 'daily';
}

const hourly = (minute: number) => `hourly at minute ${minute}`;

function single(ranges: Ranges): number | undefined {
  const [range, ...others] = ranges ?? [];
  return range && others.length === 0 && range.start === range.end ? range.start : undefined;
}

const twoDigits = (value: number) => String(value).padStart(2, '0');
const titleCase = (word: string) => word.charAt(0) + word.slice(1).toLowerCase();
