import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** @default 90_000, which a busy machine may need */
  limitMs?: number;
  /** @default 25 */
  intervalMs?: number;
}

/** Polls until the answer is defined, for state of another process that emits no event. */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { limitMs = 90_000, intervalMs = 25 }: UntilOptions = {},
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs / 1000} s: ${ask}`);
    await sleep(intervalMs);
  }
}
