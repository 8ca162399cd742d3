import { openStorage } from '../gigya/openStorage.ts';
import type { Lytics } from '../lytics/client.ts';
import { createExclusion } from '../mapping/exclusion.ts';
import { createMapping, fieldsOf } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import { PROVEN_SHARE, SAMPLE_PAGES } from '../tuning.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import { type CarriersBatch, findCarriers } from './carriers.ts';
import type { Catalogues } from './catalogues.ts';
import { type Comparing, compareWithLytics, shareFound } from './compareWithLytics.ts';
import type { Connections } from './connections.ts';
import type { FetchedPage } from './fetchedPage.ts';
import { audienceOf } from './memberships.ts';
import type { Plan } from './preflight.ts';
import { openPage, sealingKey, sealPage } from './sealedPage.ts';

export interface LeaversToFetch {
  plan: Plan;
  /** Gigya's search cursor; null at the beginning. */
  cursor: string | null;
  /** Sealed leavers that were found earlier: compares these again instead of searching. */
  again?: string;
}

/** The next users who carry the audience in Gigya, and are not members or are excluded. */
export interface LeaversPage extends FetchedPage<string> {
  /** Users on this page who carry the audience. */
  carriers: number;
  /** Why leavers cannot be corrected; null when look-ups are proven. */
  unproven: string | null;
}

/** Reads who carries the audience in Gigya, and seals the records of those who are no longer members. */
export function createFetchLeavers(connections: Connections, catalogues: Catalogues) {
  return async ({ plan, cursor, again }: LeaversToFetch): Promise<LeaversPage> => {
    const attempt = currentAttempt();
    const { config, auth_ids } = plan.job;
    const lytics = await connections.lytics(auth_ids);
    const { gigya, authorization } = await connections.gigya(auth_ids);
    const key = sealingKey(authorization);
    const audience = await audienceOf(plan, lytics, catalogues, attempt);
    const { excluded: ids = [] } = plan;
    const isExcluded =
      ids.length > 0 ? createExclusion(ids, await catalogues.read(lytics, ids, attempt.reading)) : undefined;
    const comparing: Comparing = { lytics, plan, audience, attempt, isExcluded };
    if (cursor === null && again === undefined) {
      const unproven = await proveLookUps(lytics, plan, comparing);
      if (unproven !== null) return { ...NOBODY, unproven };
    }
    const storage = openStorage(gigya, config, fieldsOf(config));
    const batch =
      again === undefined
        ? await findCarriers(storage, plan, cursor, attempt.reading)
        : await carriersIn(again, key);
    if (!batch) return { ...NOBODY, unproven: `Gigya cannot be searched for "${plan.audience.label}"` };
    const { leavers: gone, excluded } = await compareWithLytics(batch.uids, comparing);
    const leavers = [...gone, ...excluded];
    const names = new Set(leavers.flatMap((user) => [...user.audiences]));
    const mapping = createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
    return {
      ...NOBODY,
      page:
        leavers.length > 0
          ? await sealPage({ records: leavers.map(mapping.recordOf), copies: [] }, key)
          : null,
      counts: { left: leavers.length },
      next: batch.next,
      expired: batch.expired,
      carriers: batch.uids.length,
    };
  };
}

const NOBODY: LeaversPage = {
  page: null,
  counts: {},
  failures: {},
  next: null,
  expired: false,
  carriers: 0,
  unproven: null,
};

async function carriersIn(sealed: string, key: Uint8Array): Promise<CarriersBatch> {
  const { records } = await openPage(sealed, key);
  return { uids: records.map(({ uid }) => uid), total: undefined, next: null, expired: false };
}

/** Why look-ups cannot be trusted; null when they find the audience's own members, or the audience is empty. */
async function proveLookUps(lytics: Lytics, plan: Plan, comparing: Comparing): Promise<string | null> {
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
