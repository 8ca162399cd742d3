import type { LeaversPage } from '../activities/fetchLeavers.ts';
import { MOST_HELD_BYTES } from '../tuning.ts';
import type { Leavers } from './run.ts';

/** Adds what was found to the leavers that a run holds until the guard has decided. */
export function hold(leavers: Leavers, found: LeaversPage): void {
  const { page, counts, carriers, missing, next, silent = 0 } = found;
  const { left = 0 } = counts;
  leavers.cursor = next;
  leavers.missing = missing;
  leavers.carriers += carriers;
  leavers.removals += left;
  leavers.silent += silent;
  if (page === null) return;
  const held = leavers.pages.reduce((sum, one) => sum + one.page.length, 0);
  if (held + page.length > MOST_HELD_BYTES) leavers.isPartial = true;
  else leavers.pages = [...leavers.pages, { page, left }];
}
