import { z } from 'zod';
import { isRecordFault } from '../errors.ts';
import { readCount } from '../numbers.ts';
import type { Held } from '../record.ts';
import { SHORTEST_SPLIT, SMALLEST_SPLIT } from '../tuning.ts';
import type { CallOptions, Gigya } from './client.ts';
import { GigyaError } from './errors.ts';
import { groupUids, quote } from './query.ts';

/** Where a search looks: accounts, or the objects of a Data Store type. */
export interface Place {
  namespace: 'accounts' | 'ds';
  /** `accounts`, or the Data Store type. */
  source: string;
  /** A further condition on every query, with its `and`. */
  condition: string;
  fields: readonly string[];
}

/** A user that a search returned. */
export interface Found {
  uid: string;
  held: Held;
}

const data = z.record(z.string(), z.unknown()).nullish().catch(undefined);

const searchReply = z.looseObject({
  results: z.array(z.looseObject({ data, UID: z.string().nullish().catch(undefined) }).nullish()).nullish(),
  totalCount: z.unknown().optional().transform(readCount),
  nextCursorId: z.string().nullish(),
});

/** What Gigya's index holds of these UIDs. Those that a query cannot contain are missing from the result. */
export async function lookUp(
  gigya: Gigya,
  place: Place,
  uids: readonly string[],
  options?: CallOptions,
): Promise<Map<string, Held>> {
  const found = new Map<string, Held>();
  const take = async (group: readonly string[]): Promise<void> => {
    for (const { uid, held } of await searchUids(gigya, place, group, options)) found.set(uid, held);
  };
  await Promise.all(groupUids(uids, gigya.lookUpSize).map(take));
  return found;
}

async function searchUids(
  gigya: Gigya,
  place: Place,
  uids: readonly string[],
  options?: CallOptions,
  isSecondTry = false,
): Promise<Found[]> {
  const list = uids.map(quote).join(',');
  const query = `${select(place)} WHERE UID in (${list})${place.condition} LIMIT ${uids.length}`;
  const canSplit = uids.length > 1 && (uids.length > SMALLEST_SPLIT || list.length > SHORTEST_SPLIT);
  try {
    const reply = await search(gigya, place, { query }, { ...options, splits: canSplit });
    gigya.lookUpSize.accepted(uids.length, list.length);
    return reply.found;
  } catch (error) {
    if (!(error instanceof GigyaError) || !canSplit) throw error;
    if (isRecordFault(error) && gigya.lookUpSize.splitsRefused)
      return searchRefused(gigya, place, uids, options);
    if (!error.mayBeTooLong) throw error;
    // A transient server error is not caused by the length.
    if (!isSecondTry) return searchUids(gigya, place, uids, options, true);
    const found = await Promise.all(halvesOf(uids).map((half) => searchUids(gigya, place, half, options)));
    // The halves succeeded, so the length was the reason.
    gigya.lookUpSize.refused(uids.length, list.length);
    return found.flat();
  }
}

/** Gigya may refuse a query for its length, or for another reason, which the first half shows. */
async function searchRefused(
  gigya: Gigya,
  place: Place,
  uids: readonly string[],
  options?: CallOptions,
): Promise<Found[]> {
  const found: Found[] = [];
  try {
    for (const half of halvesOf(uids)) found.push(...(await searchUids(gigya, place, half, options)));
  } catch (error) {
    if (isRecordFault(error)) gigya.lookUpSize.splitsRefused = false;
    throw error;
  }
  gigya.lookUpSize.refused(uids.length, uids.map(quote).join(',').length);
  return found;
}

function halvesOf(uids: readonly string[]): (readonly string[])[] {
  const middle = Math.ceil(uids.length / 2);
  return [uids.slice(0, middle), uids.slice(middle)];
}

/** Users whose `field` contains `label`, a batch at a time. */
export interface Batch {
  found: Found[];
  /** Users that the query matches in all, which may count more than hold the label exactly. */
  total: number | undefined;
  /** Where to continue; null at the end. */
  next: string | null;
}

/** A batch of a cursor is at most this large, and may be smaller. */
const BATCH = 1_000;

/**
 * @param cursor Null for the first batch. The same cursor may be sent again after a failure; it expires five
 *   minutes after its last use.
 * @throws {GigyaError} of scope `record` when the cursor has expired.
 */
export function searchByLabel(
  gigya: Gigya,
  place: Place,
  { field, label }: { field: string; label: string },
  cursor: string | null,
  options?: CallOptions,
): Promise<Batch> {
  const where = `WHERE data.${field} contains ${quote(label)}${place.condition}`;
  const params =
    cursor === null
      ? { query: `${select(place)} ${where} LIMIT ${BATCH}`, openCursor: true }
      : { cursorId: cursor };
  return search(gigya, place, params, options);
}

async function search(
  gigya: Gigya,
  place: Place,
  params: Record<string, unknown>,
  options?: CallOptions,
): Promise<Batch> {
  const reply = await gigya.call(`${place.namespace}.search`, params, searchReply, options);
  const found = (reply.results ?? []).flatMap((result) =>
    result?.UID ? [{ uid: result.UID, held: result.data ?? {} }] : [],
  );
  return { found, total: reply.totalCount, next: reply.nextCursorId || null };
}

function select({ fields, source }: Place): string {
  return `SELECT ${['UID', ...fields.map((field) => `data.${field}`)].join(', ')} FROM ${source}`;
}
