/** A day on which a clock time does not exist, or occurs twice, because daylight saving begins or ends. */
export interface ClockChange {
  /** `2027-03-28` */
  date: string;
  what: 'skipped' | 'doubled';
}

const DAY_MS = 86_400_000;
const YEARS = 2;

/**
 * The days within two years on which a schedule at this clock time starts no run, or two: Temporal takes clock
 * times literally.
 *
 * @param time `HH:MM`
 * @param timezone An IANA name.
 */
export function clockChanges(time: string, timezone: string, now = new Date()): ClockChange[] {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const changes: ClockChange[] = [];
  const [today = ''] = localTime(format, now.getTime()).split(' ');
  for (let day = 0; day <= YEARS * 366; day++) {
    const asUtc = Date.parse(`${today}T${time}:00Z`) + day * DAY_MS;
    const date = new Date(asUtc).toISOString().slice(0, 10);
    // The offset changes at most once around the time, so it is that of a day before or a day after.
    const offsets = new Set([asUtc - DAY_MS, asUtc + DAY_MS].map((instant) => offsetAt(format, instant)));
    const hits = [...offsets].filter((offset) => localTime(format, asUtc - offset) === `${date} ${time}`);
    if (hits.length !== 1) changes.push({ date, what: hits.length === 0 ? 'skipped' : 'doubled' });
  }
  return changes;
}

/** The next time, in whole hours after `time`, that no day skips or repeats. */
export function safeTime(time: string, timezone: string, now = new Date()): string | undefined {
  const minute = time.slice(2);
  for (let hours = 1; hours < 24; hours++) {
    const candidate = `${String((Number(time.slice(0, 2)) + hours) % 24).padStart(2, '0')}${minute}`;
    if (clockChanges(candidate, timezone, now).length === 0) return candidate;
  }
  return undefined;
}

/**
 * The warning about a time; undefined when no day skips or repeats it.
 *
 * @param isDue Whether there is a run on that day. @default every day
 */
export function clockWarning(
  time: string,
  timezone: string,
  now = new Date(),
  isDue: (change: ClockChange) => boolean = () => true,
): string | undefined {
  const changes = clockChanges(time, timezone, now).filter(isDue);
  if (changes.length === 0) return undefined;
  const dates = (what: ClockChange['what']) =>
    changes.filter((change) => change.what === what).map(({ date }) => date);
  const parts = [];
  if (dates('skipped').length > 0)
    parts.push(`does not exist on ${dates('skipped').join(', ')}, so no run starts`);
  if (dates('doubled').length > 0)
    parts.push(`occurs twice on ${dates('doubled').join(', ')}, so two runs may start`);
  const safe = safeTime(time, timezone, now);
  return `Daylight saving in ${timezone}: ${time} ${parts.join('; it ')}.${safe ? ` ${safe} is safe.` : ''}`;
}

function localTime(format: Intl.DateTimeFormat, instant: number): string {
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  return `${parts['year']}-${parts['month']}-${parts['day']} ${parts['hour']}:${parts['minute']}`;
}

function offsetAt(format: Intl.DateTimeFormat, instant: number): number {
  const minute = Math.floor(instant / 60_000) * 60_000;
  return Date.parse(`${localTime(format, minute).replace(' ', 'T')}:00Z`) - minute;
}
