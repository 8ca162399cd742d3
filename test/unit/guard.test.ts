import { describe, expect, it } from 'vitest';
import { guardReason, type Removals } from '../../src/workflows/guard.ts';

const removalsOf = (removals: number, carriers: number, members = 50): Removals => ({
  removals,
  carriers,
  members,
});

describe('removals have to be approved', () => {
  it.each<[most: number, removals: number, carriers: number, members: number, isGuarded: boolean]>([
    // Nobody loses the audience.
    [0.2, 0, 1_000, 50, false],
    [0, 0, 1_000, 50, false],
    [0.2, 0, 1_000, 0, false],
    // A share of the carriers: more than that has to be approved.
    [0.2, 200, 1_000, 50, false],
    [0.2, 201, 1_000, 50, true],
    [0.2, 1_000, 1_000, 50, true],
    [0.999, 999, 1_000, 50, false],
    [0.999, 1_000, 1_000, 50, true],
    // From 100 carriers up.
    [0.2, 99, 99, 50, false],
    [0.2, 20, 100, 50, false],
    [0.2, 21, 100, 50, true],
    // A number of users, however many carry the audience.
    [1, 1, 3, 50, false],
    [1, 2, 3, 50, true],
    [500, 500, 10_000, 50, false],
    [500, 501, 10_000, 50, true],
    [500, 300, 300, 50, false],
    // Zero guards every removal.
    [0, 1, 3, 50, true],
    [0, 1, 1_000, 50, true],
    // An empty audience, however few carry it and whatever is allowed.
    [0.2, 1, 1, 0, true],
    [0.9, 3, 3, 0, true],
    [1_000, 3, 3, 0, true],
  ])(
    'config.max_removals %d: %i of %i carriers, with %i members: %s',
    (most, removals, carriers, members, isGuarded) => {
      expect(guardReason(most, removalsOf(removals, carriers, members)) !== undefined).toBe(isGuarded);
    },
  );

  it('and the reason contains the figures and the limit', () => {
    const figures = '1,234 of the 5,000 users who carry the audience in Gigya would lose it';
    const removals = removalsOf(1_234, 5_000);
    expect(guardReason(0.2, removals)).toBe(`${figures}, and config.max_removals allows 20 % of them`);
    expect(guardReason(0.125, removals)).toBe(`${figures}, and config.max_removals allows 12.5 % of them`);
    expect(guardReason(1_000, removals)).toBe(`${figures}, and config.max_removals allows 1,000`);
    expect(guardReason(0, removals)).toBe(`${figures}, and config.max_removals allows none`);
    expect(guardReason(0.2, { ...removals, members: 0 })).toBe(
      `Lytics returned an empty audience: ${figures}`,
    );
  });
});
