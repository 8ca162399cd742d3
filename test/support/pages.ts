import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import type { MembersPage } from '../../src/activities/fetchMembership.ts';
import type { LaneRead } from '../../src/activities/readLanes.ts';

/** Changes to a page, and to what was read of its lane. */
export type PageChanges = Partial<MembersPage & LaneRead>;

/** A page of ten members of one lane, with another page to follow. */
export function fetchedPage({ next, total, lossy, expired, ...changes }: PageChanges = {}): MembersPage {
  const { rows = 10 } = changes;
  const lane: LaneRead = {
    next: next === undefined ? { start: 'next', before: '', blind: 0 } : next,
    rows,
    total: total === undefined ? 100 : total,
    lossy: lossy ?? false,
    expired: expired ?? false,
  };
  return {
    page: 'sealed',
    counts: { members: 10 },
    rows,
    lanes: [lane],
    failures: {},
    duplicates: 0,
    unlisted: [],
    heaviest: 1_000,
    atOnce: 10,
    mixed: null,
    ...changes,
  };
}

/** The result of a page on which nothing happened. */
export function writtenPage(changes: Partial<WrittenPage> = {}): WrittenPage {
  return {
    updated: 0,
    unchanged: 0,
    unknown_uid: 0,
    failed: 0,
    failures: {},
    carrying: 0,
    readBack: { write: false, replacement: false },
    stopped: false,
    ...changes,
  };
}
