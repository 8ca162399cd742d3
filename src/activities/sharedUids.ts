import pMap from 'p-map';
import type { Audience, Lytics, Row } from '../lytics/client.ts';
import { isFilterable } from '../lytics/filterql.ts';
import { allAudiencesIn } from '../mapping/exclusion.ts';
import type { Mapping, User } from '../mapping/mapping.ts';
import { audiencesIn } from '../mapping/membership.ts';
import type { UserRecord } from '../record.ts';
import { PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findUsers } from './findUsers.ts';
import { isMember, lookUpProfile } from './memberships.ts';
import type { Plan } from './preflight.ts';

export interface Sharing {
  lytics: Lytics;
  plan: Plan;
  /** The run's audience with all its names. */
  audience: Audience;
  attempt: Attempt;
}

/**
 * Rows far apart in a scan may share a UID. They would overwrite each other in every run, so all of them get the
 * record of the profile that Lytics finds by the UID. Where an ad-hoc scan cannot tell whether a UID is shared, its
 * profile decides as well. A profile that does not call the user a member leaves it to all their rows together.
 *
 * @param uids UIDs whose record is about to change.
 * @returns The records of those that are settled; the others keep the record of their row.
 */
export async function recordsOfShared(
  uids: readonly string[],
  sharing: Sharing,
  mapping: (profiles: readonly User[]) => Promise<Mapping>,
): Promise<Map<string, UserRecord>> {
  const { plan, audience } = sharing;
  const rows = await findUsers(uids, undefined, sharing);
  const shared = uids.filter((uid) => (rows?.get(uid)?.length ?? 0) > 1);
  const unsure = uids.filter((uid) => !rows || !isFilterable(uid));
  const profiles = await readProfiles([...shared, ...unsure], sharing);
  const known = new Set(profiles.map(({ uid }) => uid));
  // The page holds members: one without the audience is a leaver, who is corrected behind the guard.
  const merged = shared
    .filter((uid) => !known.has(uid))
    .map((uid) => mergedRows(uid, rows?.get(uid) ?? [], sharing))
    .filter(({ audiences }) => isMember(audiences, plan, audience));
  const users = [...profiles, ...merged];
  const { recordOf } = await mapping(users);
  return new Map(users.map((user) => [user.uid, recordOf(user)]));
}

/** Without those that Lytics does not know, says nothing about, or does not call members. */
async function readProfiles(uids: readonly string[], sharing: Sharing): Promise<User[]> {
  const { lytics, plan, audience, attempt } = sharing;
  const profiles = await pMap(
    uids,
    async (uid) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      return profile ? [{ uid, ...profile }] : [];
    },
    { concurrency: PROFILES_AT_ONCE, signal: attempt.signal },
  );
  return profiles.flat().filter(({ audiences }) => isMember(audiences, plan, audience));
}

/** The audiences of all rows, when the profile is of no use. */
function mergedRows(uid: string, rows: readonly Row[], { plan }: Sharing): User {
  const audiences = new Set(rows.flatMap((row) => audiencesIn(row, plan.job.config) ?? []));
  const memberOf = new Set(rows.flatMap(allAudiencesIn));
  return { uid, row: rows[0], audiences: [...audiences], memberOf: [...memberOf] };
}
