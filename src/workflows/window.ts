import { condition } from '@temporalio/workflow';

/** Work in flight side by side, up to a bound. */
export class Window {
  #inFlight = 0;
  #failure: { error: unknown } | undefined;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  /** Starts a piece of work once there is room for it. @throws what an earlier piece failed with. */
  async add(work: () => Promise<void>): Promise<void> {
    await this.room();
    this.#inFlight++;
    work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#inFlight--;
      });
  }

  /** Waits until there is room for one more. @throws what a piece failed with. */
  room(): Promise<void> {
    return this.#until(this.#size - 1);
  }

  /** Waits until all is done. @throws what a piece failed with. */
  drain(): Promise<void> {
    return this.#until(0);
  }

  /** Waits until nothing is in flight any more, however it ended. */
  settle(): Promise<void> {
    return condition(() => this.#inFlight === 0);
  }

  async #until(most: number): Promise<void> {
    await condition(() => this.#failure !== undefined || this.#inFlight <= most);
    if (this.#failure) throw this.#failure.error;
  }
}
