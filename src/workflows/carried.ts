import { CARRIED_MINUTES } from '../tuning.ts';
import type { Run } from './run.ts';

/** What a run hands to itself when it continues as new. */
export interface Carried {
  run: Run;
  /** When it continued, in ms. */
  at: number;
}

/**
 * The run that continued a moment ago. What it carried is only for the same run: a reset, or the next night of
 * a cron expression, is started with the same arguments much later, and starts from the beginning.
 */
export function resume(carried: Carried | undefined): Run | undefined {
  if (!carried) return undefined;
  return Date.now() - carried.at <= CARRIED_MINUTES * 60_000 ? carried.run : undefined;
}
