import {
  type Clock,
  clockOf,
  DAY_MS,
  HOUR_MS,
  instantsAt,
  jumpOver,
  startOfDay,
  timeOfDay,
} from './clock.ts';
import type { Job } from './job.ts';

/** An interval in which no page is started, in ms. */
export interface QuietWindow {
  from: number;
  until: number;
}

/** Quiet hours by the clock. */
export interface QuietHours {
  /** When they begin: `21:00`. */
  time: string;
  /** IANA name. */
  timezone: string;
  hours: number;
}

/** The quiet hours of a job; undefined when it has none. Both the time and the length are needed. */
export function quietHoursOf(
  job: Pick<Job, 'quiet_time_of_day' | 'quiet_timezone' | 'quiet_period'>,
): QuietHours | undefined {
  const { quiet_time_of_day: time, quiet_timezone: timezone = 'UTC', quiet_period: hours = 0 } = job;
  return time === undefined || hours === 0 ? undefined : { time, timezone, hours };
}

/**
 * The windows that end after `from` and begin before `to`, in order. They begin and end by the clock: 21:00 and
 * 8 hours is until 05:00, also in a night that has an hour more or less. A skipped clock time counts as the moment
 * of the change. When a clock time occurs twice, a window begins at the first and ends at the second.
 */
export function quietWindows({ time, timezone, hours }: QuietHours, from: number, to: number): QuietWindow[] {
  const clock = clockOf(timezone);
  const windows: QuietWindow[] = [];
  const timeMs = timeOfDay(time);
  // A window that began yesterday may still be open.
  for (let day = startOfDay(clock(from)) - DAY_MS; day <= startOfDay(clock(to)); day += DAY_MS) {
    const begin = instantsOf(day + timeMs, clock);
    const end = instantsOf(day + timeMs + hours * HOUR_MS, clock);
    const window = { from: begin.first, until: end.last };
    if (window.from < window.until && window.until > from && window.from < to) windows.push(window);
  }
  return windows;
}

/** When the present quiet hours end; undefined outside quiet hours. */
export function quietUntil(windows: readonly QuietWindow[], now: number): number | undefined {
  return windows.find(({ from, until }) => from <= now && now < until)?.until;
}

/** The first and last instant at which a clock shows a local time; if it is skipped, the instant of the change. */
function instantsOf(local: number, clock: Clock): { first: number; last: number } {
  const instants = instantsAt(local, clock);
  const [first = jumpOver(local, clock)] = instants;
  return { first, last: instants.at(-1) ?? first };
}
