import { expect, it } from 'vitest';
import { isCronTooLong } from '../../src/workflows/pump.ts';

it.each([
  [44_999, 39_999_999, false],
  [45_000, 1, true],
  [1, 40_000_000, true],
])(
  'a cron run with %i events and %i bytes of history ends before the server ends its cron: %s',
  (historyLength, historySize, isTooLong) => {
    expect(isCronTooLong({ historyLength, historySize })).toBe(isTooLong);
  },
);
