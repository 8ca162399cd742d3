import { clockOf, DAY_MS, instantsAt, localText, startOfDay, timeOfDay } from '../clock.ts';
import type { Job } from '../job.ts';
import { quietHoursOf, quietUntil, quietWindows } from '../quietHours.ts';

/** What may surprise about a job's quiet hours: that they are in another zone, and that its runs begin in them. */
export function quietWarnings(job: Job, now: Date): string[] {
  const quiet = quietHoursOf(job);
  if (!quiet) return [];
  const { run_frequency, time_of_day, timezone, continuous_update } = job.config;
  const warnings: string[] = [];
  if (job.quiet_timezone === undefined && timezone !== quiet.timezone) {
    warnings.push(
      `Quiet hours are in ${quiet.timezone}, since quiet_timezone is not set; time_of_day is in ${timezone}.`,
    );
  }
  // Some hourly runs always begin in them.
  if (!continuous_update || run_frequency === 'hourly') return warnings;
  const clock = clockOf(timezone);
  const tomorrow = startOfDay(clock(now.getTime())) + DAY_MS + timeOfDay(time_of_day);
  const [start] = instantsAt(tomorrow, clock);
  if (start === undefined) return warnings;
  const until = quietUntil(quietWindows(quiet, start, start + 1), start);
  if (until !== undefined) {
    const [, end] = localText(clock(until)).split(' ');
    warnings.push(
      `Runs at ${time_of_day} begin in the quiet hours, and wait for their end at ${end} ${timezone}.`,
    );
  }
  return warnings;
}
