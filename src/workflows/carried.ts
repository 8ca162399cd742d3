import { CARRIED_MINUTES } from '../tuning.ts';
import type { Run } from './run.ts';

/** What a run passes on when it continues as new. */
export interface Carried<R extends Run = Run> {
  run: R;
  /** When it continued, in ms. */
  at: number;
}

/**
 * The run that continued as new just now. A reset or the next run of a cron expression starts with the same
 * arguments much later: it ignores them and starts from the beginning.
 */
export function resume<R extends Run>(carried: Carried<R> | undefined): R | undefined {
  if (!carried) return undefined;
  return Date.now() - carried.at <= CARRIED_MINUTES * 60_000 ? carried.run : undefined;
}
