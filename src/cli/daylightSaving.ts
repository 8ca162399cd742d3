import { clockOf, DAY_MS, instantsAt, localText, startOfDay, timeOfDay } from '../clock.ts';

/** A day on which a clock time does not exist, or occurs twice, because daylight saving begins or ends. */
export interface ClockChange {
  /** `2027-03-28` */
  date: string;
  what: 'skipped' | 'doubled';
}

const YEARS = 2;

/**
 * The days within two years on which a schedule at this clock time starts no run, or two: Temporal takes clock
 * times literally.
 *
 * @param time `HH:MM`
 * @param timezone An IANA name.
 */
export function clockChanges(time: string, timezone: string, now = new Date()): ClockChange[] {
  const clock = clockOf(timezone);
  const first = startOfDay(clock(now.getTime())) + timeOfDay(time);
  const changes: ClockChange[] = [];
  for (let day = 0; day <= YEARS * 366; day++) {
    const local = first + day * DAY_MS;
    const { length } = instantsAt(local, clock);
    if (length === 1) continue;
    const [date = ''] = localText(local).split(' ');
    changes.push({ date, what: length === 0 ? 'skipped' : 'doubled' });
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
