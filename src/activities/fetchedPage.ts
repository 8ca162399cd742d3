import type { Counts, Failures } from '../counts.ts';

/** A page of a source: records, sealed, with everything that is known about users before they are written. */
export interface FetchedPage<Cursor> {
  /** The records; null when there are none. */
  page: string | null;
  /** The users of the page, and the outcomes of those that cannot be written. */
  counts: Partial<Counts>;
  /** Of those that failed, how many for which reason. */
  failures: Failures;
  /** Where the source continues; null at its end. */
  next: Cursor | null;
  /** The service does not accept the cursor any more: the source has to start again. */
  expired: boolean;
}
