import pMap from 'p-map';
import type { Failures } from '../counts.ts';
import type { Row } from '../lytics/client.ts';
import { createMapping, type User } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import { MOST_IDS_PER_ROW, MOST_RECORD_BYTES, MOST_UNLISTED, PROFILES_AT_ONCE } from '../tuning.ts';
import { currentAttempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import type { Connections } from './connections.ts';
import type { FetchedPage } from './fetchedPage.ts';
import { audienceOf, lookUpProfile, type Profile, readMemberships } from './memberships.ts';
import type { Plan } from './preflight.ts';
import { type ScanCursor, scanRows } from './scanRows.ts';
import { type Page, sealingKey, sealPage } from './sealedPage.ts';

export interface MembersToFetch {
  plan: Plan;
  cursor: ScanCursor;
  /** Rows that this scan has returned so far. */
  seen: number;
  /** Rows wanted. */
  size: number;
}

/** The next members of the audience. */
export interface MembersPage extends FetchedPage<ScanCursor> {
  /** Rows, as Lytics counts them. */
  rows: number;
  /** Members whose UID is on several rows of this page: their profile decides, and they are written once. */
  duplicates: number;
  /** Audiences of users that Lytics does not list; they are not exported. */
  unlisted: string[];
  /** Users in the audience, as Lytics reports it. */
  total: number | null;
  /** A page may have been skipped: a request was sent twice, and the cursor may be a scroll position. */
  lossy: boolean;
}

/** Reads the next rows of the audience with their memberships, maps them to records, and seals these. */
export function createFetchMembership(connections: Connections, catalogues: Catalogues) {
  return async ({ plan, cursor, seen, size }: MembersToFetch): Promise<MembersPage> => {
    const attempt = currentAttempt();
    const { config, auth_ids } = plan.job;
    const lytics = await connections.lytics(auth_ids);
    const key = sealingKey((await connections.gigya(auth_ids)).authorization);
    const scan = await scanRows({ lytics, plan, cursor, seen, size, key }, attempt);
    const { rows, next, total, lossy, expired } = scan;

    const audience = await audienceOf(plan, lytics, catalogues, attempt);
    const memberships = await readMemberships(lytics, rows, plan, audience, attempt);
    const sorted = sortRows(rows, memberships, config.gigya_id_field);
    const byUid = groupByUid(sorted.users);
    const users = await settleDuplicates(byUid, (uid) => lookUpProfile(lytics, uid, plan, attempt));
    const names = new Set(users.flatMap((user) => [...user.audiences]));
    const mapping = createMapping(config, await catalogues.read(lytics, names, attempt.reading));
    const page: Page = { records: users.map(mapping.recordOf), copies: copiesOf(byUid) };
    return {
      page: users.length > 0 ? await sealPage(page, key) : null,
      counts: sorted.counts,
      failures: sorted.failures,
      next,
      expired,
      rows: rows.length,
      duplicates: sorted.users.length - users.length,
      unlisted: [...mapping.unlisted].sort().slice(0, MOST_UNLISTED),
      total,
      lossy,
    };
  };
}

/** Rows that can be written, and the outcomes of those that cannot. */
function sortRows(rows: readonly Row[], memberships: Map<Row, string[]>, idField: string) {
  const users: User[] = [];
  const failures: Failures = {};
  const counts = { members: 0, no_gigya_id: 0, failed: 0 };
  let bytes = 0;
  const fail = (reason: string, count: number) => {
    if (count === 0) return;
    failures[reason] = (failures[reason] ?? 0) + count;
    counts.failed += count;
  };
  for (const row of rows) {
    const { uids, imprecise } = uidsIn(row, idField);
    if (uids.length > MOST_IDS_PER_ROW) {
      counts.members++;
      fail('too_many_ids', 1);
      continue;
    }
    counts.members += Math.max(1, uids.length + imprecise);
    fail('imprecise_id', imprecise);
    if (uids.length === 0 && imprecise === 0) counts.no_gigya_id++;
    const audiences = memberships.get(row);
    if (!audiences) {
      fail('not_in_lytics', uids.length);
      continue;
    }
    const size = uids.reduce((sum, uid) => sum + uid.length + 24, 0) + audiences.join().length / 8;
    if (bytes + size > MOST_RECORD_BYTES) {
      fail('too_many_ids', uids.length);
      continue;
    }
    bytes += size;
    for (const uid of uids) users.push({ uid, row, audiences });
  }
  return { users, failures, counts };
}

/** Each UID once: where several rows share one, the profile that Lytics finds by it decides. */
async function settleDuplicates(
  byUid: ReadonlyMap<string, readonly User[]>,
  lookUp: (uid: string) => Promise<Profile | undefined>,
): Promise<User[]> {
  return pMap(
    byUid,
    async ([uid, rows]) => {
      const [first] = rows;
      if (first && rows.length === 1) return first;
      const profile = await lookUp(uid);
      if (profile) return { uid, ...profile };
      return { uid, row: first?.row, audiences: [...new Set(rows.flatMap(({ audiences }) => audiences))] };
    },
    { concurrency: PROFILES_AT_ONCE },
  );
}

function groupByUid(users: readonly User[]): Map<string, User[]> {
  const groups = new Map<string, User[]>();
  for (const user of users) {
    const group = groups.get(user.uid);
    if (group) group.push(user);
    else groups.set(user.uid, [user]);
  }
  return groups;
}

/** Rows that a UID is on, for those that are on several. */
function copiesOf(byUid: ReadonlyMap<string, readonly User[]>): Page['copies'] {
  return [...byUid].flatMap(([uid, rows]) => (rows.length > 1 ? [[uid, rows.length]] : []));
}
