import { quietHoursOf, quietUntil } from '../quietHours.ts';
import { activities } from './activities.ts';
import type { Run } from './run.ts';

/** When the present quiet hours end, in ms; undefined outside quiet hours. */
export async function quietNow(run: Run): Promise<number | undefined> {
  const job = run.plan?.job;
  if (!job || !quietHoursOf(job)) return undefined;
  if (!run.quiet || Date.now() >= run.quiet.knownUntil) {
    const { quiet_time_of_day, quiet_timezone, quiet_period } = job;
    const hours = {
      ...(quiet_time_of_day !== undefined && { quiet_time_of_day }),
      ...(quiet_timezone !== undefined && { quiet_timezone }),
      ...(quiet_period !== undefined && { quiet_period }),
    };
    run.quiet = await activities.findQuietWindows.executeWithOptions({ summary: 'quiet hours' }, [hours]);
  }
  return quietUntil(run.quiet.windows, Date.now());
}
