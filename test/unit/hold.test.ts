import { expect, it } from 'vitest';
import type { LeaversPage } from '../../src/activities/fetchLeavers.ts';
import { MOST_HELD_BYTES } from '../../src/tuning.ts';
import { hold } from '../../src/workflows/hold.ts';
import { beginRun } from '../../src/workflows/run.ts';

const found = (bytes: number, next: string | null): LeaversPage => ({
  page: 'x'.repeat(bytes),
  counts: { left: 10 },
  failures: {},
  next,
  expired: false,
  carriers: 100,
  silent: 1,
  missing: null,
  unproven: null,
});

it('leavers are held up to a size; those beyond it are counted, and the rest of the search goes on', () => {
  const { leavers } = beginRun(0);
  hold(leavers, found(MOST_HELD_BYTES - 5, 'second'));
  expect(leavers).toMatchObject({ isPartial: false, removals: 10, carriers: 100, cursor: 'second' });
  hold(leavers, found(6, 'third'));
  expect(leavers).toMatchObject({ isPartial: true, removals: 20, carriers: 200, cursor: 'third' });
  // A smaller one still fits.
  hold(leavers, found(5, null));
  expect(leavers).toMatchObject({
    ...{ isPartial: true, removals: 30, carriers: 300 },
    ...{ silent: 3, cursor: null },
  });
  expect(leavers.pages.map(({ page, left }) => [page.length, left])).toEqual([
    [MOST_HELD_BYTES - 5, 10],
    [5, 10],
  ]);
});
