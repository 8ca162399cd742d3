import type { ScheduleSpec } from '@temporalio/client';
import { clockOf, HOUR_MS } from '../clock.ts';
import type { Job, JobConfig } from '../job.ts';
import { type ClockChange, clockWarning } from './daylightSaving.ts';
import { quietWarnings } from './quietWarning.ts';

type DayName = 'MONDAY' | 'TUESDAY' | 'WEDNESDAY' | 'THURSDAY' | 'FRIDAY' | 'SATURDAY' | 'SUNDAY';
type Weekday = NonNullable<JobConfig['day_of_week']>;

const DAYS: Readonly<Record<Weekday, DayName>> = {
  monday: 'MONDAY',
  tuesday: 'TUESDAY',
  wednesday: 'WEDNESDAY',
  thursday: 'THURSDAY',
  friday: 'FRIDAY',
  saturday: 'SATURDAY',
  sunday: 'SUNDAY',
};
const ORDER: readonly Weekday[] = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
];

const MINUTE_MS = 60_000;

/** Every month has this day. */
const LAST_CERTAIN_DAY = 28;

/** When the runs of a job start: at its time of day, every hour, day, week or month, until it expires. */
export function specOf({ config, expires_at }: Job): ScheduleSpec {
  return {
    ...timesOf(config),
    timezone: config.timezone,
    ...(expires_at !== undefined && { endAt: new Date(expires_at) }),
  };
}

function timesOf(config: JobConfig): Pick<ScheduleSpec, 'calendars' | 'intervals'> {
  const { hour, minute } = readTime(config);
  switch (config.run_frequency) {
    case 'hourly':
      // Not a calendar: in zones such as Europe/Vienna it leaves out the hour that the clock repeats (server 1.32).
      return { intervals: [{ every: HOUR_MS, offset: fullHourOffset(minute, config.timezone) }] };
    case 'daily':
      return { calendars: [{ hour, minute }] };
    case 'weekly':
      return { calendars: [{ hour, minute, dayOfWeek: DAYS[dayOfWeek(config)] }] };
    case 'monthly':
      return { calendars: [{ hour, minute, dayOfMonth: dayOfMonth(config) }] };
  }
}

/** When a clock's minute comes after a full hour of UTC, in ms: some zones are half an hour ahead. */
function fullHourOffset(minute: number, timezone: string): number {
  return modulo(minute * MINUTE_MS - aheadOfUtc(timezone), HOUR_MS);
}

/** The minute of the clock at which an hourly schedule starts runs. @param offset As {@link specOf} sets it, in ms. */
export function minuteOf(offset: number, timezone: string): number {
  return modulo(offset + aheadOfUtc(timezone), HOUR_MS) / MINUTE_MS;
}

function aheadOfUtc(timezone: string): number {
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  return clockOf(timezone)(now) - now;
}

const modulo = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor;

/** The warning about a job's times; undefined when every run starts exactly once, outside quiet hours. */
export function scheduleWarning(job: Job, now = new Date()): string | undefined {
  const warnings = [...startWarnings(job.config, now), ...quietWarnings(job, now)];
  return warnings.length > 0 ? warnings.join(' ') : undefined;
}

function startWarnings(config: JobConfig, now: Date): string[] {
  const { continuous_update, run_frequency, time_of_day, timezone } = config;
  // Hourly runs are unaffected: a skipped hour does not exist, and a repeated one is two hours.
  if (!continuous_update || run_frequency === 'hourly') return [];
  const isDue = ({ date }: ClockChange) => isRunDay(config, date);
  const clock = clockWarning(time_of_day, timezone, now, isDue);
  return [...shortMonths(config), ...(clock === undefined ? [] : [clock])];
}

function shortMonths(config: JobConfig): string[] {
  if (config.run_frequency !== 'monthly' || dayOfMonth(config) <= LAST_CERTAIN_DAY) return [];
  return [`Months without day ${dayOfMonth(config)} are skipped.`];
}

/** @param date `2027-03-28` */
function isRunDay(config: JobConfig, date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`);
  if (config.run_frequency === 'weekly') return ORDER[day.getUTCDay()] === dayOfWeek(config);
  return config.run_frequency !== 'monthly' || day.getUTCDate() === dayOfMonth(config);
}

const dayOfWeek = ({ day_of_week = 'monday' }: JobConfig): Weekday => day_of_week;

const dayOfMonth = ({ day_of_month = 1 }: JobConfig): number => day_of_month;

function readTime({ time_of_day }: JobConfig): { hour: number; minute: number } {
  const [hour = '0', minute = '0'] = time_of_day.split(':');
  return { hour: Number(hour), minute: Number(minute) };
}
