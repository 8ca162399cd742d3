import type { CalendarSpec, ScheduleSpec } from '@temporalio/client';
import type { Job, JobConfig } from '../job.ts';
import { type ClockChange, clockWarning } from './daylightSaving.ts';

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

/** Every month has this day. */
const LAST_CERTAIN_DAY = 28;

/** When the runs of a job start: at its time of day, every hour, day, week or month, until it expires. */
export function specOf({ config, expires_at }: Job): ScheduleSpec {
  return {
    calendars: [calendarOf(config)],
    timezone: config.timezone,
    ...(expires_at !== undefined && { endAt: new Date(expires_at) }),
  };
}

function calendarOf(config: JobConfig): CalendarSpec {
  const { hour, minute } = clockOf(config);
  switch (config.run_frequency) {
    case 'hourly':
      // The default hour is 0.
      return { hour: '*', minute };
    case 'daily':
      return { hour, minute };
    case 'weekly':
      return { hour, minute, dayOfWeek: DAYS[dayOfWeek(config)] };
    case 'monthly':
      return { hour, minute, dayOfMonth: dayOfMonth(config) };
  }
}

/** The warning about a job's times; undefined when every run starts exactly once. */
export function scheduleWarning({ config }: Job, now = new Date()): string | undefined {
  const { continuous_update, run_frequency, time_of_day, timezone } = config;
  // Hourly runs are unaffected: a skipped hour does not exist, and a repeated one is two hours.
  if (!continuous_update || run_frequency === 'hourly') return undefined;
  const isDue = ({ date }: ClockChange) => isRunDay(config, date);
  const clock = clockWarning(time_of_day, timezone, now, isDue);
  const warnings = [...shortMonths(config), ...(clock === undefined ? [] : [clock])];
  return warnings.length > 0 ? warnings.join(' ') : undefined;
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

function clockOf({ time_of_day }: JobConfig): { hour: number; minute: number } {
  const [hour = '0', minute = '0'] = time_of_day.split(':');
  return { hour: Number(hour), minute: Number(minute) };
}
