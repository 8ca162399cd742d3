import { condition } from '@temporalio/workflow';

/** Work that is under way side by side, up to a bound. */
export interface Window {
  /** Begins a piece of work, once there is room for it. Throws what an earlier piece failed with. */
  add(work: () => Promise<void>): Promise<void>;
  /** Waits until all is done. Throws what a piece failed with. */
  drain(): Promise<void>;
  /** Waits until nothing is under way any more, whatever became of it. */
  settle(): Promise<void>;
}

export function createWindow(size: number): Window {
  let underWay = 0;
  let failure: { error: unknown } | undefined;

  async function roomFor(more: number): Promise<void> {
    await condition(() => failure !== undefined || underWay + more <= size);
    if (failure) throw failure.error;
  }

  return {
    async add(work) {
      await roomFor(1);
      underWay++;
      work()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          underWay--;
        });
    },
    drain: () => roomFor(size),
    settle: () => condition(() => underWay === 0),
  };
}
