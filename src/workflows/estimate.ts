import type { Plan } from '../activities/preflight.ts';
import type { Counts } from '../counts.ts';
import type { Calls } from '../monitor.ts';
import { guardReason } from './guard.ts';

/** What a run would take, from what its preview took. */
export interface Estimate {
  gigya_writes: number;
  gigya_searches: number;
  /** Users who are read one by one, since the index does not know them. */
  gigya_reads: number;
  lytics_requests: number;
  /** At the limits of the Gigya authorization. */
  minutes: number;
}

/** What the guard would decide. */
export interface GuardFigures {
  removals: number;
  carriers: number;
  max_removals: number;
  /** Why a run would wait for approval; null when it would not. */
  reason: string | null;
}

export const NO_CALLS: Readonly<Calls> = { lytics: 0, gigya: 0, searches: 0 };

/** Adds the requests of a page, which only a preview counts. */
export function addCalls(to: { calls?: Calls }, more: Readonly<Calls> | undefined): void {
  if (!more) return;
  const { lytics, gigya, searches } = to.calls ?? NO_CALLS;
  to.calls = {
    lytics: lytics + more.lytics,
    gigya: gigya + more.gigya,
    searches: searches + more.searches,
  };
}

/** The parts of a run that a forecast is made from. */
interface Previewed {
  calls?: Calls;
  counts: Counts;
  leavers: { removals: number; carriers: number };
}

/** A preview makes the calls of a run except its writes. */
export function forecast(
  { calls = NO_CALLS, counts, leavers: { removals, carriers } }: Previewed,
  { job: { config }, audience, limits }: Plan,
): { estimate?: Estimate; guard?: GuardFigures } {
  const { max_removals } = config;
  const looksForLeavers = config.on_exit === 'update' && audience.label !== undefined;
  const reason = guardReason(max_removals, { removals, carriers, members: counts.members }) ?? null;
  return {
    ...(limits && { estimate: estimateOf(calls, counts.updated, limits) }),
    ...(looksForLeavers && { guard: { removals, carriers, max_removals, reason } }),
  };
}

function estimateOf(
  { lytics, gigya, searches }: Calls,
  writes: number,
  { calls_per_second, searches_per_second }: NonNullable<Plan['limits']>,
): Estimate {
  // Searches count toward both limits.
  const seconds = Math.max((writes + gigya + searches) / calls_per_second, searches / searches_per_second);
  return {
    gigya_writes: writes,
    gigya_searches: searches,
    gigya_reads: gigya,
    lytics_requests: lytics,
    minutes: Math.ceil(seconds / 6) / 10,
  };
}
