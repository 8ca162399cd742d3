/** What the clocks of a time zone show. */

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Converts an instant to a zone's local time, represented as if it were UTC, in ms; whole seconds. */
export type Clock = (instant: number) => number;

/** @param timezone An IANA name. */
export function clockOf(timezone: string): Clock {
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

export const startOfDay = (local: number) => Math.floor(local / DAY_MS) * DAY_MS;

/** The time of day of `HH:MM`, in ms since midnight. */
export const timeOfDay = (time: string) => Date.parse(`1970-01-01T${time}:00Z`);

/** `2026-11-25 03:30` */
export const localText = (local: number) => new Date(local).toISOString().slice(0, 16).replace('T', ' ');

/** When a clock shows a local time, in order: once, or never or twice on a day that daylight saving changes. */
export function instantsAt(local: number, clock: Clock): number[] {
  return possibleInstants(local, clock).filter((instant) => clock(instant) === local);
}

/** When a clock jumps over a local time that it never shows. */
export function jumpOver(local: number, clock: Clock): number {
  const possible = possibleInstants(local, clock);
  let [low, high] = [Math.min(...possible), Math.max(...possible)];
  const offset = clock(low) - low;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (clock(middle) - middle === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** By the offsets of a day before and a day after: zones change theirs at most once a day. */
function possibleInstants(local: number, clock: Clock): number[] {
  const offsets = [local - DAY_MS, local + DAY_MS].map((instant) => clock(instant) - instant);
  const instants = new Set(offsets.map((offset) => local - offset));
  return [...instants].sort((one, other) => one - other);
}
