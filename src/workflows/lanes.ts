import type { LaneRead } from '../activities/readLanes.ts';
import type { ScanCursor } from '../activities/scanRows.ts';
import { BEGINNING, hundredthsOf } from '../lanes.ts';
import { SCAN_PAGE } from '../tuning.ts';

/** A part of a scan that is read beside others, with a cursor of its own. */
export interface Lane {
  /** The hundredths of the users that it reads; null for all users. */
  hundredths: readonly number[] | null;
  /** Where its next rows begin; null when it was read to its end. */
  cursor: ScanCursor | null;
  /** Rows fetched, as Lytics counts them. */
  seen: number;
  /** Users in it, as Lytics reports it. */
  total: number | null;
  /** Whether rows may have been skipped. */
  lossy: boolean;
  /** Its cursor expired. */
  expired: boolean;
  /** The page of the scan that it was last read for, from 1; 0 before the first. */
  readFor: number;
  /** It was read completely, and its rows were written, in this pass or an earlier one. */
  isDone: boolean;
}

/** The lanes of a scan, before they are read. */
export function beginLanes(count: number): Lane[] {
  if (count === 1) return [beginLane(null)];
  return hundredthsOf(count).map(beginLane);
}

function beginLane(hundredths: Lane['hundredths']): Lane {
  return {
    hundredths,
    cursor: BEGINNING,
    seen: 0,
    total: null,
    lossy: false,
    expired: false,
    readFor: 0,
    isDone: false,
  };
}

/**
 * The lanes to read for the next page. Those that were begun come first, the one that waited longest before the
 * others, since a cursor expires when it is not used; among equals, the one that was read least. A slow run begins few lanes: a page needs no more.
 *
 * @param size Rows wanted.
 * @param atOnce Lanes that may be begun.
 * @param busy Lanes that are being read for other pages.
 */
export function lanesToRead(
  lanes: readonly Lane[],
  size: number,
  atOnce: number,
  busy: ReadonlySet<Lane> = new Set(),
): Lane[] {
  const open = lanes.filter((lane) => lane.cursor !== null && !busy.has(lane));
  const begun = open
    .filter(({ readFor }) => readFor > 0)
    .sort((a, b) => a.readFor - b.readFor || a.seen - b.seen);
  const wanted = Math.ceil(size / SCAN_PAGE);
  const toBegin = open.filter(({ readFor }) => readFor === 0);
  const mayBegin = Math.max(0, Math.min(wanted, atOnce) - begun.length - busy.size);
  return [...begun.slice(0, wanted), ...toBegin.slice(0, mayBegin)];
}

/** Moves a lane past the rows that were read for a page of the scan. */
export function stepLane(lane: Lane, read: LaneRead, page: number): void {
  lane.cursor = read.next;
  lane.seen += read.rows;
  lane.total = read.total ?? lane.total;
  lane.lossy ||= read.lossy;
  lane.expired = read.expired;
  // One that did not fit the page stays first in turn.
  if (read.rows > 0) lane.readFor = page;
}

/** Whether rows may be missing, according to Lytics' total. */
export function fellShort({ lossy, total, seen }: Lane): boolean {
  return lossy && (total === null || seen < total);
}

/** Notes which lanes were read completely. Only to be called when all rows were written. */
export function settleLanes(lanes: readonly Lane[]): void {
  for (const lane of lanes) lane.isDone ||= !lane.expired && !fellShort(lane);
}

/** The lanes of the next pass: those that are not done begin again. */
export function lanesAgain(lanes: readonly Lane[]): Lane[] {
  return lanes.map((lane) => (lane.isDone ? lane : beginLane(lane.hundredths)));
}

/** Rows of these lanes. */
export function seenIn(lanes: readonly Lane[]): number {
  return lanes.reduce((sum, { seen }) => sum + seen, 0);
}

/** Users in these lanes; null until Lytics has reported it for each. */
export function totalOf(lanes: readonly Lane[]): number | null {
  return lanes.reduce<number | null>(
    (sum, { total }) => (sum === null || total === null ? null : sum + total),
    0,
  );
}
