import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import type { MembersPage } from '../../src/activities/fetchMembership.ts';

/** A page of ten members as Lytics returns it, with another page to follow. */
export function fetchedPage(changes: Partial<MembersPage> = {}): MembersPage {
  return {
    page: 'sealed',
    counts: { members: 10 },
    rows: 10,
    failures: {},
    duplicates: 0,
    unlisted: [],
    next: { start: 'next', before: '', blind: 0 },
    total: 100,
    lossy: false,
    expired: false,
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
