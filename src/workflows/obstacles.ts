import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { beginSweep, type Run, warn } from './run.ts';

/** So many sweeps in a row that were cut short and wrote nothing lead nowhere. */
const FRUITLESS_SWEEPS = 5;

/** Why a sweep did not get through the whole audience. */
export interface Obstacle {
  reason: string;
  /** What to do when it keeps coming back; without it the run ends with a warning. */
  fix?: string;
}

export const OBSTACLES = {
  expired: {
    reason: "Lytics' cursor expired",
    fix: 'pages take longer to write than the cursor lives: raise limits.calls_per_second of the Gigya authorization',
  },
  sealBroken: {
    reason: 'The Gigya secret was changed while pages were under way',
    fix: 'see that all workers use the same secret',
  },
} satisfies Record<string, Obstacle>;

/** Undefined when the sweep saw the whole audience, as far as Lytics' total tells. */
export function shortfall({ sweep, total }: Run): Obstacle | undefined {
  if (!sweep.lossy || (total !== null && sweep.seen >= total)) return undefined;
  return {
    reason: `Requests to Lytics had to be repeated, and ${sweep.seen} of ${total ?? 'unknown'} users came`,
  };
}

/** Lytics counts an audience now and scans it then: a few users more or less say nothing. */
const DRIFT = 0.01;

/** Warns when a scan that met no obstacle still ended early. */
export function warnIfShort(run: Run): void {
  const { sweep, total } = run;
  if (total === null || total - sweep.seen <= total * DRIFT) return;
  warn(run, `Lytics told of ${total} users, and ${sweep.seen} came`);
}

/**
 * Begins at the first page again: what was written is skipped, so that costs little.
 * @returns false when several sweeps in a row met an obstacle and had nothing new to write.
 */
export function sweepAgain(run: Run, { reason }: Obstacle): boolean {
  const { number, updatedBefore, fruitless } = run.sweep;
  const isFruitless = run.counts.updated === updatedBefore;
  if (isFruitless && fruitless + 1 >= FRUITLESS_SWEEPS) return false;
  warn(run, `${reason}; the audience was gone through again from the start, and the counts hold each time`);
  run.sweep = beginSweep(number + 1, run.counts.updated, isFruitless ? fruitless + 1 : 0);
  return true;
}

/** An activity could not open its page. */
export function isSealBroken(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof ApplicationFailure && error.cause.type === 'SealBroken';
}
