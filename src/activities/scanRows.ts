import { createHmac } from 'node:crypto';
import type { Lytics, Row, ScanPage } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { uidsIn } from '../mapping/uids.ts';
import { BLIND_PAGES, MOST_IDS_PER_ROW, PAGE_REPEATS } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { finalFailure } from './failures.ts';
import type { Plan } from './preflight.ts';
import type { RowBudget } from './rowBudget.ts';

/** Where the next rows of a lane begin. */
export interface ScanCursor {
  /** Lytics' cursor; empty at the beginning. */
  start: string;
  /** Fingerprints of the users on the previous Lytics page: the cursor can be the same string for every page. */
  before: string;
  /** Successive Lytics pages on which nothing identifies a user. */
  blind: number;
}

/** What a lane of a scan is read from. */
export interface LaneToRead {
  /** The hundredths of the users that it reads; null for all users. */
  hundredths: readonly number[] | null;
  cursor: ScanCursor;
  /** Rows that it has returned so far. */
  seen: number;
}

export interface ScannedRows {
  rows: Row[];
  next: ScanCursor | null;
  /** Users in the lane, as Lytics reports it. */
  total: number | null;
  /** Whether rows may have been skipped. */
  lossy: boolean;
  /** The cursor has expired. */
  expired: boolean;
  /** Lytics asked to slow down, or a request was sent twice. */
  slowed: boolean;
  /** What the rows take of the page's budget. */
  bytes: number;
}

/** Six characters are 36 bits: two users out of a Lytics page share them once in ten million pages. */
const FINGERPRINT_LENGTH = 6;

export interface RowsToScan {
  lytics: Lytics;
  plan: Plan;
  lane: LaneToRead;
  /** Rows wanted. */
  size: number;
  /** Shared by the lanes that are read for a page. */
  budget: RowBudget;
  /** Keys the fingerprints, so that the history reveals nothing of a row. */
  key: Uint8Array;
}

/** Reads the next rows of a lane from successive Lytics pages. */
export async function scanRows(
  { lytics, plan, lane, size, budget, key }: RowsToScan,
  attempt: Attempt,
): Promise<ScannedRows> {
  const rows: Row[] = [];
  const { hundredths, cursor, seen } = lane;
  let { start, before, blind } = cursor;
  let total: number | null = null;
  let bytes = 0;
  let slowed = false;
  let repeats = 0;
  // An earlier attempt may have advanced a scroll position.
  let lossy = attempt.number > 1;
  const { gigya_id_field: idField, mappings } = plan.job.config;
  const mapped = mappings.flatMap(Object.keys);
  const end = (next: ScanCursor | null, expired = false): ScannedRows =>
    expired
      ? { rows: [], next: null, total, lossy, expired, slowed, bytes: 0 }
      : { rows, next, total, lossy, expired, slowed, bytes };

  while (rows.length < size && budget.reserve()) {
    const page = await budget.turn(() => scanPage(lytics, plan, { start, hundredths }, attempt));
    const weight = page ? sizeOf(page.rows, idField, mapped) : 0;
    budget.spend(weight);
    if (page === undefined) return end(null, true);
    lossy ||= page.retried;
    slowed ||= page.retried || page.slowed;
    total = page.total ?? total;
    if (page.rows.length === 0) return end(null);
    const isShort = total !== null && seen + rows.length < total;
    const { prints, isBlind } = fingerprintsOf(page.rows, idField, key);
    const known = new Set(split(before));
    if (prints.length > 0 && prints.every((print) => known.has(print))) {
      // Most scans end like this. If rows are still missing, it is a repeated Lytics page: continue.
      if (page.next === '' || !isShort) return end(null);
      if (++repeats > PAGE_REPEATS) {
        lossy = true;
        return end(null);
      }
    } else {
      repeats = 0;
      blind = isBlind ? blind + 1 : 0;
      if (blind > BLIND_PAGES && !isShort) {
        lossy = true;
        return end(null);
      }
      rows.push(...page.rows);
      before = prints.join('');
      bytes += weight;
    }
    if (page.next === '') return end(null);
    start = page.next;
  }
  return end({ start, before, blind });
}

/** Lytics refuses a request for some hundredths of the users. */
export class SplitsRefused extends Error {
  override readonly name = 'SplitsRefused';
}

/** Undefined when Lytics does not accept the cursor. @throws {SplitsRefused} */
async function scanPage(
  lytics: Lytics,
  plan: Plan,
  { start, hundredths }: { start: string; hundredths: LaneToRead['hundredths'] },
  attempt: Attempt,
): Promise<ScanPage | undefined> {
  try {
    const options = { ...attempt.reading, ...(hundredths && { hundredths }) };
    return await lytics.scan(plan.audience.id, start, options);
  } catch (error) {
    if (!(error instanceof LyticsError) || !error.isRefused) throw error;
    await assertExists(lytics, plan, error, attempt);
    if (start !== '') return undefined;
    if (hundredths) throw new SplitsRefused(error.message);
    throw finalFailure(
      'Configuration',
      `${error.message}; check config.segment_id and ${lytics.name}.base_url`,
    );
  }
}

async function assertExists(lytics: Lytics, { audience }: Plan, cause: LyticsError, attempt: Attempt) {
  await lytics.audience(audience.id, attempt.reading).catch((error: unknown) => {
    if (!(error instanceof LyticsError) || !error.isRefused) throw error;
    throw finalFailure(
      'Configuration',
      `Lytics does not have the audience "${audience.slug}" any more (${cause.message}); create it again, or choose another in config.segment_id`,
    );
  });
}

interface Fingerprints {
  prints: string[];
  /** Whether nothing on the page surely identifies a user. */
  isBlind: boolean;
}

/**
 * Fingerprints of what identifies users on a Lytics page: their UIDs, or a row that is unique on it. Equal rows
 * identify nobody, nor does a UID that several rows share: it may be a placeholder, such as "undefined", that thousands
 * of rows have.
 */
function fingerprintsOf(rows: readonly Row[], idField: string, key: Uint8Array): Fingerprints {
  const keyed = rows.map((row) => ({ row, uids: uidsIn(row, idField).uids.sort().join('\n') }));
  const ofUids = singles(keyed.map(({ uids }) => uids).filter((uids) => uids !== ''));
  const nameless = keyed.filter(({ uids }) => uids === '').map(({ row }) => textOf(row));
  const sharing = keyed.filter(({ uids }) => uids !== '' && !ofUids.has(uids)).map(({ row }) => textOf(row));
  const identifying = [...ofUids, ...singles(nameless)];
  // A single row is always unique, so that identifies nobody.
  if (rows.length === 1 && ofUids.size === 0) return { prints: [], isBlind: true };
  const prints = [...identifying, ...singles(sharing)].map((text) => fingerprint(text, key));
  return { prints, isBlind: identifying.length === 0 };
}

/** The texts that occur once. */
function singles(texts: readonly string[]): Set<string> {
  const once = new Set<string>();
  const repeated = new Set<string>();
  for (const text of texts) {
    if (once.has(text)) repeated.add(text);
    once.add(text);
  }
  for (const text of repeated) once.delete(text);
  return once;
}

/** Equal for equal rows. Lists count as sets: Lytics does not guarantee an order. */
export function textOf(row: Row): string {
  return JSON.stringify(row, (_name, value) => (Array.isArray(value) ? [...value].sort() : value));
}

function fingerprint(text: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, FINGERPRINT_LENGTH);
}

function split(fingerprints: string): string[] {
  return fingerprints.match(new RegExp(`.{${FINGERPRINT_LENGTH}}`, 'g')) ?? [];
}

/** Approximate size of the rows' records: of the audiences, and for each UID of the UID and the mapped fields. */
function sizeOf(rows: readonly Row[], idField: string, mapped: readonly string[]): number {
  return rows.reduce((sum, row) => sum + 100 + audiencesSize(row) + recordsSize(row, idField, mapped), 0);
}

const audiencesSize = (row: Row) => JSON.stringify(row['segments'] ?? null).length;

function recordsSize(row: Row, idField: string, mapped: readonly string[]): number {
  const values = JSON.stringify(mapped.map((field) => row[field] ?? null)).length;
  const [, ...others] = uidsIn(row, idField).uids;
  // Such a row fails, without records.
  if (others.length >= MOST_IDS_PER_ROW) return 0;
  return others.reduce((sum, uid) => sum + uid.length + 24 + values, values);
}
