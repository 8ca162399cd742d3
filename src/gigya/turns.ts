import type { GigyaAuthorization } from '../authorizations.ts';
import { CALLS_PER_UID } from '../tuning.ts';
import { createConcurrency } from './concurrency.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { Slots, type Turn } from './slots.ts';

/** A call that waits for its turn. */
export interface Waiting {
  isSearch: boolean;
  uid: string | undefined;
  /** Absent for calls that no run makes, such as those of questions. */
  turn: Turn | undefined;
  signal: AbortSignal | undefined;
}

/** Decides when an authorization's calls are sent, by the rate limits and by the calls that are under way. */
export interface Turns {
  readonly calls: Limiter;
  readonly searches: Limiter;
  /** How many calls may be under way at once, at most. */
  readonly connections: number;
  /** Sends a call when it is its turn. */
  take<T>(waiting: Waiting, send: () => Promise<T>): Promise<T>;
  /** A call was answered after this time. */
  answered(ms: number): void;
}

const NO_JOB: Turn = { job: '', order: 0 };

/** @param onWait Called when a call has waited this long for a rate limit, in ms. */
export function createTurns(limits: GigyaAuthorization['limits'], onWait: (ms: number) => void): Turns {
  const calls = createLimiter({ ceiling: limits.calls_per_second });
  const searches = createLimiter({ ceiling: limits.searches_per_second });
  const { connections } = limits;
  const concurrency = createConcurrency({ connections, rate: () => calls.rate });
  const slots = new Slots(() => concurrency.limit);
  const slotsOfUids = new Map<string, Slots>();

  async function underRate(limiter: Limiter, signal: AbortSignal | undefined): Promise<void> {
    const since = performance.now();
    await limiter.take(signal);
    const waited = performance.now() - since;
    if (waited >= 1) onWait(waited);
  }

  function slotsOf(uid: string): Slots {
    const known = slotsOfUids.get(uid) ?? new Slots(() => CALLS_PER_UID);
    slotsOfUids.set(uid, known);
    return known;
  }

  return {
    calls,
    searches,
    connections: concurrency.most,
    answered: concurrency.answered,
    // One function, which waits only where it has to: each promise of a call costs a hundredth of its CPU time.
    async take({ isSearch, uid, turn = NO_JOB, signal }, send) {
      signal?.throwIfAborted();
      if (isSearch) await underRate(searches, signal);
      const ofUid = uid === undefined ? undefined : slotsOf(uid);
      const otherCalls = ofUid?.take(turn, signal);
      if (otherCalls) await otherCalls;
      try {
        // Searches go first, so that a page knows what to write when it is its turn.
        const slot = slots.take(isSearch ? { ...turn, order: 0 } : turn, signal);
        if (slot) await slot;
        try {
          if (!calls.tryTake()) await underRate(calls, signal);
          return await send();
        } finally {
          slots.release();
        }
      } finally {
        ofUid?.release();
        if (uid !== undefined && ofUid?.isIdle) slotsOfUids.delete(uid);
      }
    },
  };
}
