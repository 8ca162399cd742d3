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

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

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
  const timeMs = Date.parse(`1970-01-01T${time}:00Z`);
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

/** Converts an instant to a zone's local time, represented as if it were UTC, in ms. */
type Clock = (instant: number) => number;

function clockOf(timezone: string): Clock {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (instant) => {
    const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
    const { year, month, day, hour, minute, second } = parts;
    return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  };
}

const startOfDay = (local: number) => Math.floor(local / DAY_MS) * DAY_MS;

/** The first and last instant at which a clock shows a local time; if it is skipped, the instant of the change. */
function instantsOf(local: number, clock: Clock): { first: number; last: number } {
  // Zones change their offset at most once a day, so the offset is that of a day before or a day after.
  const offsets = [local - DAY_MS, local + DAY_MS].map((instant) => clock(instant) - instant);
  const candidates = offsets.map((offset) => local - offset);
  const hits = candidates.filter((instant) => clock(instant) === local);
  if (hits.length > 0) return { first: Math.min(...hits), last: Math.max(...hits) };
  const change = changeBetween(Math.min(...candidates), Math.max(...candidates), clock);
  return { first: change, last: change };
}

/** The instant between two others at which the clock jumps forward. */
function changeBetween(before: number, after: number, clock: Clock): number {
  const offset = clock(before) - before;
  let [low, high] = [before, after];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (clock(middle) - middle === offset) low = middle;
    else high = middle;
  }
  return high;
}
