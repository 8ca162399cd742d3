/**
 * Who is told when a signal aborts. Every request in flight watches the signal of its attempt, and an EventTarget walks
 * through its listeners whenever one is added or removed. So a signal has one listener here, for all of them.
 */
const watchers = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `onAbort` once, when the signal aborts. */
export function watchAbort(signal: AbortSignal, onAbort: () => void): void {
  const known = watchers.get(signal);
  if (known) {
    known.add(onAbort);
    return;
  }
  const calls = new Set([onAbort]);
  watchers.set(signal, calls);
  const tellAll = () => {
    for (const call of calls) call();
  };
  signal.addEventListener('abort', tellAll, { once: true });
}

export function unwatchAbort(signal: AbortSignal, onAbort: () => void): void {
  watchers.get(signal)?.delete(onAbort);
}
