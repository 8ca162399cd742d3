import type { Job } from '../job.ts';
import { type QuietWindow, quietHoursOf, quietWindows } from '../quietHours.ts';
import { QUIET_DAYS } from '../tuning.ts';

export interface QuietAhead {
  windows: QuietWindow[];
  /** Windows that begin later are not among them, in ms. */
  knownUntil: number;
}

/**
 * The quiet hours of the next days. An activity, because the answer depends on the time zone rules of the Node.js
 * that computes it: recorded in the history, it is the same when the workflow is replayed by another one. A run
 * asks again after a few days, since it may be paused or wait for approval for weeks.
 */
export async function findQuietWindows(
  job: Pick<Job, 'quiet_time_of_day' | 'quiet_timezone' | 'quiet_period'>,
): Promise<QuietAhead> {
  const now = Date.now();
  const knownUntil = now + QUIET_DAYS * 24 * 3_600_000;
  const quietHours = quietHoursOf(job);
  return { windows: quietHours ? quietWindows(quietHours, now, knownUntil) : [], knownUntil };
}
