/**
 * Ends what takes too long. All work has the same time, so it ends in the order in which it began, and one timer for
 * the oldest is enough: a timer for each request would take 2 % of the CPU time of an export.
 */
export class Deadlines<Work> {
  readonly #open = new Map<Work, number>();
  readonly #limitMs: number;
  readonly #end: (work: Work) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param end Called for work that was not closed within `limitMs`. */
  constructor(limitMs: number, end: (work: Work) => void) {
    this.#limitMs = limitMs;
    this.#end = end;
  }

  open(work: Work): void {
    this.#open.set(work, performance.now() + this.#limitMs);
    if (this.#timer === undefined) this.#watch(this.#limitMs);
  }

  close(work: Work): void {
    this.#open.delete(work);
  }

  #watch(ms: number): void {
    // Open work keeps the process alive by its sockets.
    this.#timer = setTimeout(() => this.#check(), Math.ceil(ms)).unref();
  }

  #check(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [work, endsAt] of this.#open) {
      if (endsAt > now) {
        this.#watch(endsAt - now);
        return;
      }
      this.#open.delete(work);
      this.#end(work);
    }
  }
}
