/** How many calls may be under way at once. */
export interface Slots {
  /** Resolves when one is free, first come first served. */
  take(): Promise<void>;
  release(): void;
}

/** p-limit does it with six promises a call: too many for what is done for each user. */
export function createSlots(count: number): Slots {
  let free = count;
  const queue: (() => void)[] = [];
  return {
    take() {
      if (free === 0) return new Promise((resolve) => queue.push(resolve));
      free--;
      return Promise.resolve();
    },
    release() {
      const next = queue.shift();
      if (next) next();
      else free++;
    },
  };
}
