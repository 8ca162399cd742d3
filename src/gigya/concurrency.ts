import {
  FEWEST_CONNECTIONS,
  LATENCY_HEADROOM,
  LATENCY_MS,
  LATENCY_WINDOW_MS,
  MOST_CONNECTIONS,
  SPARE_CONNECTIONS,
} from '../tuning.ts';

/** How many calls an authorization may have under way at once. */
export interface Concurrency {
  readonly limit: number;
  /** The highest limit possible. */
  readonly most: number;
  /** A call was answered after this time. Calls without an answer do not count: a service that hangs needs no more of them. */
  answered(ms: number): void;
}

export interface ConcurrencyOptions {
  /** `auto`, or a fixed number. */
  connections: 'auto' | number;
  /** Calls per second that are allowed at present. */
  rate: () => number;
  /** A clock in ms. @default performance.now */
  now?: () => number;
}

/**
 * With `auto`, as many calls as the rate needs at the present latency (Little's law), and some to spare: those wait
 * for the rate limit. A limit that is too low would cost speed, and one that is too high costs nothing, since the
 * rate limit still decides when a call is sent.
 */
export function createConcurrency({ connections, rate, now }: ConcurrencyOptions): Concurrency {
  if (connections !== 'auto') return { limit: connections, most: connections, answered() {} };
  const latency = createLatency(now);
  return {
    most: MOST_CONNECTIONS,
    get limit() {
      const needed = (rate() * latency.ms) / 1000;
      const wanted = Math.ceil(needed * LATENCY_HEADROOM) + SPARE_CONNECTIONS;
      return Math.min(MOST_CONNECTIONS, Math.max(FEWEST_CONNECTIONS, wanted));
    },
    answered: latency.add,
  };
}

/** The median latency of the last seconds. */
function createLatency(now = () => performance.now()) {
  let median = LATENCY_MS;
  let updatedAt = now();
  let answers: { at: number; ms: number }[] = [];
  return {
    get ms() {
      return median;
    },
    add(ms: number): void {
      const at = now();
      answers.push({ at, ms });
      if (at - updatedAt < LATENCY_WINDOW_MS / 2) return;
      updatedAt = at;
      answers = answers.filter((answer) => at - answer.at < LATENCY_WINDOW_MS);
      median = medianOf(answers.map((answer) => answer.ms));
    },
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
