import type { Attempt } from '../../src/activities/attempt.ts';

/** An attempt of an activity that never ends by itself. */
export function fakeAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    signal: new AbortController().signal,
    resumedFrom: undefined,
    reading: {},
    writing: {},
    claim: async () => {},
    calls: { lytics: 0, gigya: 0, searches: 0 },
    keep() {},
    ...changes,
  };
}
