import { condition } from '@temporalio/workflow';

/** Concurrent work, up to a limit. */
export class Window {
  #inFlight = 0;
  #failure: { error: unknown } | undefined;
  readonly #size: () => number;

  /** @param size May change at any time. */
  constructor(size: () => number) {
    this.#size = size;
  }

  /** Starts work once there is room for it. @throws the error of earlier work. */
  async add(work: () => Promise<void>): Promise<void> {
    // Several may have waited for the same room.
    while (!this.hasRoom || this.#failure) await this.room();
    this.#inFlight++;
    work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#inFlight--;
      });
  }

  /** Waits until there is room for one more. @throws the error of earlier work. */
  room(): Promise<void> {
    return this.#until(() => this.hasRoom);
  }

  /** Waits until all work is done. @throws the error of earlier work. */
  drain(): Promise<void> {
    return this.#until(() => this.isEmpty);
  }

  /** Waits until nothing is in flight, whether it succeeded or failed. */
  settle(): Promise<void> {
    return condition(() => this.isEmpty);
  }

  /** Whether nothing is in flight. */
  get isEmpty(): boolean {
    return this.#inFlight === 0;
  }

  /** Whether work that is added now starts at once. */
  get hasRoom(): boolean {
    return this.#inFlight < this.#size();
  }

  async #until(isReached: () => boolean): Promise<void> {
    await condition(() => this.#failure !== undefined || isReached());
    if (this.#failure) throw this.#failure.error;
  }
}
