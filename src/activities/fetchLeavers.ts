import { openStorage } from '../gigya/openStorage.ts';
import type { GigyaStorage } from '../gigya/storage.ts';
import type { Lytics } from '../lytics/client.ts';
import { UIDS_PER_STATEMENT } from '../lytics/filterql.ts';
import { createExclusion } from '../mapping/exclusion.ts';
import { createMapping, fieldsOf } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import { PROVEN_SHARE, SAMPLE_PAGES } from '../tuning.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import { findCarriers } from './carriers.ts';
import type { Catalogues } from './catalogues.ts';
import {
  type Comparing,
  type Comparison,
  compareMembers,
  compareMissing,
  compareWithLytics,
  merged,
  shareFound,
} from './compareWithLytics.ts';
import type { Connections } from './connections.ts';
import type { FetchedPage } from './fetchedPage.ts';
import { audienceOf } from './memberships.ts';
import type { Plan } from './preflight.ts';
import { openPage, sealingKey, sealPage } from './sealedPage.ts';

export interface LeaversToFetch {
  plan: Plan;
  /** Gigya's search cursor; null at the beginning. */
  cursor: string | null;
  /** Sealed carriers of earlier pages: see {@link LeaversPage.missing}. */
  missing: string | null;
  /** Sealed leavers that were found earlier: compares these again instead of searching. */
  again?: string;
}

/** The next users who carry the audience in Gigya, and are not members or are excluded. */
export interface LeaversPage extends FetchedPage<string> {
  /** Users on this page who carry the audience. */
  carriers: number;
  /** Carriers missing from the audience whose membership is not read yet, sealed: too few to fill a statement. */
  missing: string | null;
  /** Carriers about whom Lytics says nothing, so that they keep what Gigya holds; absent when there are none. */
  silent?: number;
  /** Why leavers cannot be corrected; null when look-ups are proven. */
  unproven: string | null;
}

/** Reads who carries the audience in Gigya, and seals the records of those who are no longer members. */
export function createFetchLeavers(connections: Connections, catalogues: Catalogues) {
  async function open({ plan }: LeaversToFetch): Promise<Fetching> {
    const attempt = currentAttempt();
    const { config, auth_ids } = plan.job;
    const lytics = await connections.lytics(auth_ids);
    const { gigya, authorization } = await connections.gigya(auth_ids);
    const audience = await audienceOf(plan, lytics, catalogues, attempt);
    const { excluded: ids = [] } = plan;
    const isExcluded =
      ids.length > 0 ? createExclusion(ids, await catalogues.read(lytics, ids, attempt.reading)) : undefined;
    return {
      comparing: { lytics, plan, audience, attempt, isExcluded },
      storage: openStorage(gigya, config, fieldsOf(config)),
      key: sealingKey(authorization),
    };
  }

  async function sealLeavers(comparison: Comparison, { comparing, key }: Fetching) {
    const { lytics, plan, attempt } = comparing;
    const leavers = [...comparison.leavers, ...comparison.excluded];
    const counts = { left: leavers.length };
    if (leavers.length === 0) return { page: null, counts };
    const names = new Set(leavers.flatMap((user) => [...user.audiences]));
    const mapping = createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
    return { page: await sealPage({ records: leavers.map(mapping.recordOf), copies: [] }, key), counts };
  }

  return async (input: LeaversToFetch): Promise<LeaversPage> => {
    const { plan, cursor, missing: earlier, again } = input;
    const fetching = await open(input);
    const { comparing, storage, key } = fetching;
    if (again !== undefined) {
      const comparison = await compareWithLytics(await uidsOf(again, key), comparing);
      return { ...NOBODY, ...(await sealLeavers(comparison, fetching)) };
    }
    const unproven = cursor === null ? await proveLookUps(comparing) : null;
    if (unproven !== null) return { ...NOBODY, unproven };
    const batch = await findCarriers(storage, plan, cursor, comparing.attempt.reading);
    if (!batch) return { ...NOBODY, unproven: `Gigya cannot be searched for "${plan.audience.label}"` };
    if (batch.expired) return { ...NOBODY, expired: true };
    const { missing: more, isVague, ...found } = await compareMembers(batch.uids, comparing);
    const missing = [...new Set([...(await uidsOf(earlier, key)), ...more])];
    // A statement that is not full waits for the next page.
    const later = batch.next === null ? 0 : missing.length % UIDS_PER_STATEMENT;
    const split = missing.length - later;
    const comparison = merged(found, await compareMissing(missing.slice(0, split), isVague, comparing));
    return {
      ...NOBODY,
      ...(await sealLeavers(comparison, fetching)),
      missing: await sealUids(missing.slice(split), key),
      next: batch.next,
      carriers: batch.uids.length,
      ...(comparison.silent > 0 && { silent: comparison.silent }),
    };
  };
}

interface Fetching {
  comparing: Comparing;
  storage: GigyaStorage;
  key: Uint8Array;
}

const NOBODY: LeaversPage = {
  page: null,
  counts: {},
  failures: {},
  next: null,
  expired: false,
  carriers: 0,
  missing: null,
  unproven: null,
};

async function sealUids(uids: readonly string[], key: Uint8Array): Promise<string | null> {
  if (uids.length === 0) return null;
  return sealPage({ records: uids.map((uid) => ({ uid, data: {} })), copies: [] }, key);
}

async function uidsOf(sealed: string | null, key: Uint8Array): Promise<string[]> {
  if (sealed === null) return [];
  const { records } = await openPage(sealed, key);
  return records.map(({ uid }) => uid);
}

/** Why look-ups cannot be trusted; null when they find the audience's own members, or the audience is empty. */
async function proveLookUps(comparing: Comparing): Promise<string | null> {
  const { lytics, plan } = comparing;
  const field = plan.job.config.gigya_id_field;
  const sample = await sampleUids(lytics, plan, comparing.attempt);
  const share = await shareFound(sample, comparing);
  if (share === undefined || share >= PROVEN_SHARE) return null;
  const found = Math.round(share * sample.length);
  return `Lytics finds ${found} of ${sample.length} of the audience's own members by ${field}: make it a field that identifies users`;
}

/** UIDs of present members, from the first rows of the audience. */
async function sampleUids(lytics: Lytics, plan: Plan, attempt: Attempt): Promise<string[]> {
  let start = '';
  for (let page = 0; page < SAMPLE_PAGES; page++) {
    const { rows, next } = await lytics.scan(plan.audience.id, start, attempt.reading);
    const uids = rows.flatMap((row) => uidsIn(row, plan.job.config.gigya_id_field).uids.slice(0, 1));
    if (uids.length > 0) return [...new Set(uids)];
    if (next === '' || rows.length === 0) break;
    start = next;
  }
  return [];
}
