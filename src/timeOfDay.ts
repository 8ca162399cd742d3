const CLOCK_24 = /^([01]?\d|2[0-3]):([0-5]\d)(?::00)?$/;
/** `2:00am`, `2:00 AM`, `2 p.m.`: Lytics writes times in the first form. Intl puts a narrow space before the half. */
const CLOCK_12 = /^(0?\d|1[0-2])(?::([0-5]\d)(?::00)?)?\s*([ap])\.?m\.?$/i;

/** `7:15`, `2:00am` or `2 PM` as `HH:MM`; undefined when the text is not a time of day. */
export function readTimeOfDay(text: string): string | undefined {
  const [, hour24, minute24] = CLOCK_24.exec(text.trim()) ?? [];
  if (hour24 !== undefined && minute24 !== undefined) return `${hour24.padStart(2, '0')}:${minute24}`;
  const [, hour12, minute = '00', half] = CLOCK_12.exec(text.trim()) ?? [];
  if (hour12 === undefined || half === undefined) return undefined;
  // 00:30 AM is half past midnight; there is no 00:30 PM.
  if (Number(hour12) === 0 && half.toLowerCase() === 'p') return undefined;
  // 12 AM is midnight, 12 PM is noon.
  const hour = (Number(hour12) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  return `${String(hour).padStart(2, '0')}:${minute}`;
}
