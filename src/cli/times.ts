import { duration } from '../workflows/details.ts';

/** `2026-11-25 03:30`, by the clock of a time zone. */
export function clockTime(instant: string, timezone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const parts = Object.fromEntries(
    format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]),
  );
  return `${parts['year']}-${parts['month']}-${parts['day']} ${parts['hour']}:${parts['minute']}`;
}

/** `2026-11-25 03:30 Europe/Vienna` */
export function clockTimeIn(instant: string, timezone: string): string {
  return `${clockTime(instant, timezone)} ${timezone}`;
}

/** `45 s`, `12 min`, `2.3 h` */
export const durationOf = duration;
