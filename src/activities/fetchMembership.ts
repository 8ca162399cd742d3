import pMap from 'p-map';
import type { Counts } from '../counts.ts';
import type { Row } from '../lytics/client.ts';
import { createMapping, type Mapping, type User } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import type { UserRecord } from '../record.ts';
import { MOST_IDS_PER_ROW, MOST_RECORD_BYTES, MOST_UNLISTED, PROFILES_AT_ONCE } from '../tuning.ts';
import { currentAttempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import type { Connections } from './connections.ts';
import type { SealedRecords } from './fetchedPage.ts';
import {
  audienceOf,
  isMember,
  lookUpProfile,
  type Membership,
  type Profile,
  readMemberships,
} from './memberships.ts';
import type { Plan } from './preflight.ts';
import { type LaneRead, readLanes } from './readLanes.ts';
import type { LaneToRead } from './scanRows.ts';
import { type Page, sealingKey, sealPage } from './sealedPage.ts';
import { Unwritable } from './unwritable.ts';

export interface MembersToFetch {
  plan: Plan;
  lanes: LaneToRead[];
  /** Rows wanted of all lanes together. */
  size: number;
  /** Requests to Lytics at once. */
  atOnce: number;
  /** Bytes of the heaviest Lytics page of the page that was fetched last; 0 while unknown. */
  heaviest: number;
}

/** The next members of the audience. */
export interface MembersPage extends SealedRecords {
  /** What was read of each lane. */
  lanes: LaneRead[];
  /** Rows of all lanes, as Lytics counts them. */
  rows: number;
  /** Members whose UID is on several rows of this page: their profile determines the record, which is written once. */
  duplicates: number;
  /** Audiences of users that Lytics does not list; they are not exported. */
  unlisted: string[];
  /** Lytics fields with values that do not fit their Gigya field; absent when there are none. */
  misfits?: string[];
  /** Bytes of the heaviest Lytics page, as a hint for the next page. */
  heaviest: number;
  /** What is left of the requests to Lytics at once that it was allowed. */
  atOnce: number;
  /** Why the lanes are not disjoint parts of the audience, in which case nothing was read; null when they are. */
  mixed: string | null;
}

/** Reads the next rows of the audience with their memberships, maps them to records, and seals the records. */
export function createFetchMembership(connections: Connections, catalogues: Catalogues) {
  return async ({ plan, ...wanted }: MembersToFetch): Promise<MembersPage> => {
    const attempt = currentAttempt();
    const { config, auth_ids } = plan.job;
    const lytics = await connections.lytics(auth_ids);
    const key = sealingKey((await connections.gigya(auth_ids)).authorization);
    const { rows, ...read } = await readLanes({ lytics, plan, ...wanted, key }, attempt);

    const audience = await audienceOf(plan, lytics, catalogues, attempt);
    const memberships = await readMemberships(lytics, rows, plan, audience, attempt);
    // Who left during the scan is no member any more: leavers are found in Gigya, and corrected behind the guard.
    const isStillMember = (names: readonly string[]) => isMember(names, plan, audience);
    const unwritable = new Unwritable(key, attempt.number);
    const sorted = sortRows(rows, memberships, config.gigya_id_field, isStillMember, unwritable);
    const byUid = groupByUid(sorted.users);
    const users = await settleDuplicates(byUid, isStillMember, (uid) =>
      lookUpProfile(lytics, uid, plan, attempt),
    );
    const names = new Set(users.flatMap((user) => [...user.audiences]));
    const mapping = createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
    const { records, excluded } = recordsOf(users, byUid, mapping, unwritable);
    const page: Page = { records, copies: copiesOf(byUid, records) };
    const sealed = unwritable.seal();
    return {
      page: records.length > 0 ? await sealPage(page, key) : null,
      counts: { ...sorted.counts, excluded, failed: unwritable.failed },
      failures: unwritable.failures,
      ...(sealed && { sealed }),
      ...read,
      rows: rows.length,
      duplicates: sorted.users.length - users.length,
      unlisted: [...mapping.unlisted].sort().slice(0, MOST_UNLISTED),
      ...(mapping.misfits.size > 0 && { misfits: [...mapping.misfits].sort() }),
    };
  };
}

interface Sorted {
  users: User[];
  counts: Pick<Counts, 'members' | 'no_gigya_id'>;
}

/** Rows that can be written; the others are added to `unwritable`. */
function sortRows(
  rows: readonly Row[],
  memberships: Map<Row, Membership>,
  idField: string,
  isStillMember: (names: readonly string[]) => boolean,
  unwritable: Unwritable,
): Sorted {
  const users: User[] = [];
  const counts = { members: 0, no_gigya_id: 0 };
  let bytes = 0;
  for (const row of rows) {
    const { uids, imprecise } = uidsIn(row, idField);
    if (uids.length + imprecise.length > MOST_IDS_PER_ROW) {
      counts.members++;
      unwritable.add('too_many_ids', [...uids, ...imprecise].slice(0, 1));
      continue;
    }
    const membership = memberships.get(row);
    if (membership && !isStillMember(membership.audiences)) continue;
    counts.members += Math.max(1, uids.length + imprecise.length);
    unwritable.add('imprecise_id', imprecise);
    if (uids.length === 0 && imprecise.length === 0) counts.no_gigya_id++;
    if (!membership) {
      unwritable.add('not_in_lytics', uids);
      continue;
    }
    const size = uids.reduce((sum, uid) => sum + uid.length + 24, 0) + membership.audiences.join().length / 8;
    if (bytes + size > MOST_RECORD_BYTES) {
      unwritable.add('too_many_ids', uids);
      continue;
    }
    bytes += size;
    for (const uid of uids) users.push({ uid, row, ...membership });
  }
  return { users, counts };
}

/** One user per UID: where several rows share it, the profile that Lytics finds by the UID, if it names the audience too. */
async function settleDuplicates(
  byUid: ReadonlyMap<string, readonly User[]>,
  isStillMember: (names: readonly string[]) => boolean,
  lookUp: (uid: string) => Promise<Profile | undefined>,
): Promise<User[]> {
  return pMap(
    byUid,
    async ([uid, rows]) => {
      const [first] = rows;
      if (first && rows.length === 1) return first;
      const profile = await lookUp(uid);
      if (profile && isStillMember(profile.audiences)) return { uid, ...profile };
      const audiences = [...new Set(rows.flatMap((row) => row.audiences))];
      const memberOf = [...new Set(rows.flatMap((row) => row.memberOf))];
      return { uid, row: first?.row, audiences, memberOf };
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

/** The records of users who are exported. */
function recordsOf(
  users: readonly User[],
  byUid: ReadonlyMap<string, readonly User[]>,
  mapping: Mapping,
  unwritable: Unwritable,
): { records: UserRecord[]; excluded: number } {
  const records: UserRecord[] = [];
  let excluded = 0;
  let bytes = 0;
  for (const user of users) {
    const rows = byUid.get(user.uid)?.length ?? 1;
    if (mapping.isExcluded(user)) {
      excluded += rows;
      continue;
    }
    const record = mapping.recordOf(user);
    const size = mappedSize(record);
    if (size > 0 && bytes + size > MOST_RECORD_BYTES) {
      unwritable.add('too_large', [user.uid], rows);
      continue;
    }
    bytes += size;
    records.push(record);
  }
  return { records, excluded };
}

/** Approximate size of the values of mapped fields; the first field holds the audiences. */
function mappedSize({ data }: UserRecord): number {
  const mapped = Object.values(data).slice(1);
  return mapped.length === 0 ? 0 : JSON.stringify(mapped).length;
}

/** The number of rows per UID, for UIDs on several rows. */
function copiesOf(
  byUid: ReadonlyMap<string, readonly User[]>,
  records: readonly UserRecord[],
): Page['copies'] {
  return records.flatMap(({ uid }) => {
    const rows = byUid.get(uid)?.length ?? 1;
    return rows > 1 ? [[uid, rows]] : [];
  });
}
