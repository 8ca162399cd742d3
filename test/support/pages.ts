import type { FetchedPage } from '../../src/activities/fetchMembership.ts';
import type { WrittenPage } from '../../src/activities/updateGigya.ts';

/** A page of ten members as it comes from Lytics, with more to follow. */
export function fetchedPage(more: Partial<FetchedPage> = {}): FetchedPage {
  return {
    page: 'sealed',
    count: 10,
    rows: 10,
    no_gigya_id: 0,
    failures: {},
    duplicates: 0,
    unlisted: [],
    next: { start: 'next', before: '' },
    total: 100,
    lossy: false,
    expired: false,
    ...more,
  };
}

/** What became of a page, when nothing did. */
export function writtenPage(more: Partial<WrittenPage> = {}): WrittenPage {
  return {
    updated: 0,
    unchanged: 0,
    unknown_uid: 0,
    failed: 0,
    failures: {},
    carrying: 0,
    readBack: { write: false, replacement: false },
    stopped: false,
    ...more,
  };
}
