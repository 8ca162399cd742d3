import { unwatchAbort, watchAbort } from '../aborts.ts';
import { BURST_SECONDS, LOWEST_RATE, RATE_DECREASE, RATE_INCREASE_PER_SECOND } from '../tuning.ts';

/**
 * How fast an authorization may call Gigya: a token bucket whose rate adapts to what Gigya accepts.
 * Gigya documents no headers that state the quota or when to retry, so each call rejected for the rate
 * (403048) cuts the rate to 80 %, and each accepted call raises it a little, up to the setting.
 * Several workers that share a quota find their shares this way without knowing of each other.
 */
export interface Limiter {
  /** Whether the next call may be sent at once; if so, it is. */
  tryTake(): boolean;
  /** Resolves when the next call may be sent, first come first served. Rejects when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
  /** A call sent at `sentAt` (ms) was accepted. */
  accepted(): void;
  /** A call sent at `sentAt` (ms, {@link Limiter.now}) was rejected for the rate. */
  refused(sentAt: number): void;
  /** The clock that `sentAt` is read from. */
  now(): number;
  /** Calls a second at present. */
  readonly rate: number;
  /** How long the rate has been below the setting, in ms; undefined when it is not. */
  readonly limitedMs: number | undefined;
  /** Calls that wait for their turn. */
  readonly waiting: number;
}

export interface LimiterOptions {
  /** The highest rate, calls a second. */
  ceiling: number;
  /** A clock in ms. @default performance.now */
  now?: () => number;
}

interface Waiter {
  resolve: () => void;
  reject: (reason: unknown) => void;
  signal: AbortSignal | undefined;
  onAbort: () => void;
}

export function createLimiter({ ceiling, now = () => performance.now() }: LimiterOptions): Limiter {
  let rate = ceiling;
  let tokens = Math.max(1, ceiling * BURST_SECONDS);
  let filledAt = now();
  let cutAt = Number.NEGATIVE_INFINITY;
  let limitedSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const queue: Waiter[] = [];

  function fill(): void {
    const time = now();
    tokens = Math.min(Math.max(1, rate * BURST_SECONDS), tokens + ((time - filledAt) / 1000) * rate);
    filledAt = time;
  }

  function serve(): void {
    timer = undefined;
    fill();
    while (tokens >= 1) {
      const next = queue.shift();
      if (!next) return;
      tokens -= 1;
      if (next.signal) unwatchAbort(next.signal, next.onAbort);
      next.resolve();
    }
    schedule();
  }

  function schedule(): void {
    if (timer !== undefined || queue.length === 0) return;
    timer = setTimeout(serve, Math.ceil(Math.max(0, ((1 - tokens) / rate) * 1000)));
  }

  function tryTake(): boolean {
    fill();
    if (queue.length > 0 || tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  function take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (tryTake()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        queue.splice(queue.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = { resolve, reject, signal, onAbort };
      if (signal) watchAbort(signal, onAbort);
      queue.push(waiter);
      schedule();
    });
  }

  return {
    tryTake,
    take,
    accepted() {
      rate = Math.min(ceiling, rate + (ceiling * RATE_INCREASE_PER_SECOND) / rate);
      if (rate === ceiling) limitedSince = undefined;
    },
    refused(sentAt) {
      // Calls that were in flight when the rate was cut were sent at the old rate.
      if (sentAt <= cutAt) return;
      cutAt = now();
      limitedSince ??= cutAt;
      fill();
      tokens = 0;
      rate = Math.max(Math.min(LOWEST_RATE, ceiling), rate * RATE_DECREASE);
    },
    now,
    get rate() {
      return rate;
    },
    get limitedMs() {
      return limitedSince === undefined ? undefined : now() - limitedSince;
    },
    get waiting() {
      return queue.length;
    },
  };
}
