import { clockOf, localText } from '../clock.ts';
import { duration } from '../workflows/details.ts';

/** `2026-11-25 03:30`, by the clock of a time zone. */
export function clockTime(instant: string, timezone: string): string {
  return localText(clockOf(timezone)(Date.parse(instant)));
}

/** `2026-11-25 03:30 Europe/Vienna` */
export function clockTimeIn(instant: string, timezone: string): string {
  return `${clockTime(instant, timezone)} ${timezone}`;
}

/** `45 s`, `12 min`, `2.3 h` */
export const durationOf = duration;
