import { unwatchAbort, watchAbort } from '../aborts.ts';

/** Whose turn a call is. */
export interface Turn {
  /** Jobs take turns, so that each has its share. */
  job: string;
  /** Calls of a job are served in this order: its first page is finished before the next one needs the quota. */
  order: number;
}

interface Waiter {
  order: number;
  resolve: () => void;
}

/** Calls that may be under way at once. Those beyond the limit wait: job by job, and within a job by order. */
export class Slots {
  #inUse = 0;
  /** The job at the front is next. */
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #limit: () => number;

  /** @param limit May change at any time. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get isIdle(): boolean {
    return this.#inUse === 0;
  }

  /** Takes a slot at once and returns undefined, or returns when it has one. Rejects when `signal` aborts. */
  take({ job, order }: Turn, signal?: AbortSignal): Promise<void> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.size === 0 && this.#inUse < this.#limit()) {
      this.#inUse++;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        order,
        resolve() {
          if (signal) unwatchAbort(signal, onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#remove(job, waiter);
        reject(signal?.reason);
      };
      if (signal) watchAbort(signal, onAbort);
      this.#add(job, waiter);
      this.#serve();
    });
  }

  release(): void {
    this.#inUse--;
    this.#serve();
  }

  #serve(): void {
    while (this.#inUse < this.#limit()) {
      const [next] = this.#waiting;
      if (!next) return;
      const [job, waiters] = next;
      this.#waiting.delete(job);
      const waiter = waiters.shift();
      if (waiters.length > 0) this.#waiting.set(job, waiters);
      this.#inUse++;
      waiter?.resolve();
    }
  }

  #add(job: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(job);
    if (!waiters) {
      this.#waiting.set(job, [waiter]);
      return;
    }
    // Most calls are the last in order.
    let at = waiters.length;
    while (at > 0 && (waiters[at - 1]?.order ?? 0) > waiter.order) at--;
    waiters.splice(at, 0, waiter);
  }

  #remove(job: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(job)?.filter((other) => other !== waiter) ?? [];
    if (waiters.length > 0) this.#waiting.set(job, waiters);
    else this.#waiting.delete(job);
  }
}
