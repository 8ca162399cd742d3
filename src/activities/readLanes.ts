import { z } from 'zod';
import { mostInLane } from '../lanes.ts';
import type { Lytics, Row } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { uidsIn } from '../mapping/uids.ts';
import { MOST_ROW_BYTES, SCAN_PAGE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import type { Plan } from './preflight.ts';
import { RowBudget } from './rowBudget.ts';
import {
  type LaneToRead,
  type ScanCursor,
  type ScannedRows,
  SplitsRefused,
  scanRows,
  textOf,
} from './scanRows.ts';

/** What was read of a lane for a page. */
export interface LaneRead {
  /** Where its next rows begin; null at its end. */
  next: ScanCursor | null;
  /** Rows, as Lytics counts them. */
  rows: number;
  /** Users in it, as Lytics reports it. */
  total: number | null;
  /** Rows may have been skipped: a request was sent twice, and the cursor may be a scroll position. */
  lossy: boolean;
  /** Its cursor has expired: it has to begin again. */
  expired: boolean;
}

export interface LanesRead {
  rows: Row[];
  lanes: LaneRead[];
  /** Bytes of the heaviest Lytics page, as a hint for the next page. */
  heaviest: number;
  /** What is left of the requests to Lytics at once: half when it asked to slow down, or did not answer. */
  atOnce: number;
  /** Why the lanes are not disjoint parts of the audience, in which case nothing was read; null when they are. */
  mixed: string | null;
}

export interface LanesToRead {
  lytics: Lytics;
  plan: Plan;
  lanes: readonly LaneToRead[];
  /** Rows wanted of all lanes together. */
  size: number;
  /** Requests to Lytics at once. */
  atOnce: number;
  heaviest: number;
  /** Keys the fingerprints, so that the history reveals nothing of a row. */
  key: Uint8Array;
}

const keptSchema = z.object({ atOnce: z.int().min(1) });

/** Reads the next rows of several lanes side by side. */
export async function readLanes(input: LanesToRead, attempt: Attempt): Promise<LanesRead> {
  const { lanes, size } = input;
  // An earlier attempt may have failed because its requests were too many.
  let atOnce = keptSchema.safeParse(attempt.resumedFrom).data?.atOnce ?? input.atOnce;
  attempt.keep({ details: () => ({ atOnce }) });
  const halve = () => {
    atOnce = Math.max(1, Math.floor(atOnce / 2));
  };
  const budget = new RowBudget(atOnce, input.heaviest);
  const shares = sharesOf(size, lanes.length);
  const nothing = (mixed: string): LanesRead => ({ rows: [], lanes: [], heaviest: 0, atOnce, mixed });
  try {
    const scanned = await Promise.all(
      lanes.map((lane, index) => scanRows({ ...input, lane, size: shares[index] ?? 0, budget }, attempt)),
    );
    const mixed = whyMixed(scanned, input);
    if (mixed !== null) return nothing(mixed);
    if (scanned.some(({ slowed }) => slowed)) halve();
    const kept = withinBudget(scanned, lanes);
    return {
      rows: kept.flatMap(({ rows }) => rows),
      lanes: kept.map(({ rows, next, total, lossy, expired }) => ({
        next,
        rows: rows.length,
        total,
        lossy,
        expired,
      })),
      heaviest: budget.heaviest,
      atOnce,
      mixed: null,
    };
  } catch (error) {
    if (error instanceof SplitsRefused) return nothing(`Lytics refused a lane (${error.message})`);
    if (error instanceof LyticsError && error.reason === 'no_answer') halve();
    throw error;
  }
}

/** Rows for each lane, in whole Lytics pages: the first lanes, which were read least, may read one more. */
export function sharesOf(size: number, lanes: number): number[] {
  const pages = Math.max(lanes, Math.round(size / SCAN_PAGE));
  const each = Math.floor(pages / lanes);
  return Array.from({ length: lanes }, (_, lane) => SCAN_PAGE * (lane < pages % lanes ? each + 1 : each));
}

/**
 * Lanes were proven before the run (see {@link proveLanes}). This detects a Lytics that stops honouring `splits` on
 * a later page; null when it does not.
 */
function whyMixed(
  scanned: readonly ScannedRows[],
  { lanes, plan: { job, lanes: proven } }: LanesToRead,
): string | null {
  const pages = scanned.map(({ rows }) => rows);
  if (sharesRows(pages, job.config.gigya_id_field)) return 'Lytics returned the same users in several lanes';
  for (const [index, { hundredths }] of lanes.entries()) {
    const total = scanned[index]?.total ?? 0;
    if (hundredths && proven && total > mostInLane(hundredths, proven.total)) {
      return `Lytics reported ${total.toLocaleString('en-US')} users in one of ${proven.count} lanes`;
    }
  }
  return null;
}

/** Whether two lanes returned one and the same row. Different rows may share a UID. */
export function sharesRows(pages: readonly (readonly Row[])[], idField: string): boolean {
  const seen = new Map<string, { lane: number; row: Row }[]>();
  for (const [lane, rows] of pages.entries()) {
    for (const row of rows) {
      const { uids } = uidsIn(row, idField);
      // Equal rows without a UID identify nobody.
      if (uids.length === 0) continue;
      const print = uids.sort().join('\n');
      const before = seen.get(print) ?? [];
      if (before.some((one) => one.lane !== lane && textOf(one.row) === textOf(row))) return true;
      seen.set(print, [...before, { lane, row }]);
    }
  }
  return false;
}

/**
 * Drops the rows of lanes that do not fit the page, when Lytics pages were far heavier than those before them. The
 * lanes read them again; where the cursor is a scroll position, they may have to begin again.
 */
function withinBudget(scanned: readonly ScannedRows[], lanes: readonly LaneToRead[]): ScannedRows[] {
  let bytes = 0;
  return scanned.map((lane, index) => {
    const from = lanes[index];
    const fits = bytes === 0 || bytes + lane.bytes <= MOST_ROW_BYTES;
    if (fits) bytes += lane.bytes;
    return fits || !from ? lane : { ...lane, rows: [], next: from.cursor, lossy: true };
  });
}
