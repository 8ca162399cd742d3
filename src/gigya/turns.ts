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

  async function inSlot<T>(
    slots: Slots,
    turn: Turn,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ) {
    const queued = slots.take(turn, signal);
    if (queued) await queued;
    try {
      return await work();
    } finally {
      slots.release();
    }
  }

  return {
    calls,
    searches,
    connections: concurrency.most,
    answered: concurrency.answered,
    async take({ isSearch, uid, turn = NO_JOB, signal }, send) {
      if (isSearch) await underRate(searches, signal);
      // Searches go first, so that a page knows what to write when it is its turn.
      const own = isSearch ? { ...turn, order: 0 } : turn;
      const sendInSlot = () =>
        inSlot(slots, own, signal, async () => {
          await underRate(calls, signal);
          return send();
        });
      if (uid === undefined) return sendInSlot();
      const ofUid = slotsOf(uid);
      try {
        return await inSlot(ofUid, turn, signal, sendInSlot);
      } finally {
        if (ofUid.isIdle) slotsOfUids.delete(uid);
      }
    },
  };
}
