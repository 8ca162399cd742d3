import type { Counts, Failures } from '../counts.ts';
import type { Calls } from '../monitor.ts';
import type { SealedRows } from './rowSet.ts';

/** Sealed records, and the counts that are known before they are written. */
export interface SealedRecords {
  /** The records; null when there are none. */
  page: string | null;
  /** The number of users, and the outcomes of those that cannot be written. */
  counts: Partial<Counts>;
  /** Failed users by reason. */
  failures: Failures;
  /** Who failed; absent when there is nobody. */
  sealed?: SealedRows;
  /** The requests that it took; in a preview only. */
  calls?: Calls;
}

/** A page of a source that has one cursor. */
export interface FetchedPage<Cursor> extends SealedRecords {
  /** Where the source continues; null at its end. */
  next: Cursor | null;
  /** The cursor has expired: the source has to start again. */
  expired: boolean;
}
