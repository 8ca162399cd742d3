/** Ctrl-C while a command waits. */
export interface Interruption {
  happened: Promise<typeof INTERRUPTED>;
  /** Stops listening. */
  release(): void;
}

export const INTERRUPTED = Symbol('Ctrl-C');

/**
 * Listens for Ctrl-C. After it, further signals have no effect: under `npm run` the terminal and npm each send one, and
 * the second would end the process before it has printed anything.
 */
export function onInterrupt(): Interruption {
  let hasHappened = false;
  let settle = () => {};
  const happened = new Promise<typeof INTERRUPTED>((resolve) => {
    settle = () => resolve(INTERRUPTED);
  });
  const interrupt = () => {
    hasHappened = true;
    settle();
  };
  process.on('SIGINT', interrupt);
  return {
    happened,
    release() {
      if (!hasHappened) process.off('SIGINT', interrupt);
    },
  };
}
