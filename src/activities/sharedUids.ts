import pMap from 'p-map';
import type { Audience, Lytics } from '../lytics/client.ts';
import { isFilterable } from '../lytics/filterql.ts';
import type { Mapping, User } from '../mapping/mapping.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import type { UserRecord } from '../record.ts';
import { PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findUsers } from './findUsers.ts';
import { lookUpProfile } from './memberships.ts';
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
 * profile decides as well.
 *
 * @param uids UIDs whose record is about to change.
 * @returns The records of the profiles.
 */
export async function recordsOfShared(
  uids: readonly string[],
  sharing: Sharing,
  mapping: (profiles: readonly User[]) => Promise<Mapping>,
): Promise<Map<string, UserRecord>> {
  const rows = await findUsers(uids, undefined, sharing);
  const shared = uids.filter((uid) => (rows?.get(uid)?.length ?? 0) > 1);
  const unsure = uids.filter((uid) => !rows || !isFilterable(uid));
  const users = [...(await readProfiles(shared, sharing)), ...(await readTrusted(unsure, sharing))];
  const { recordOf } = await mapping(users);
  return new Map(users.map((user) => [user.uid, recordOf(user)]));
}

/** Most of these UIDs are on one row. Profiles none of which names the audience are not better than the rows. */
async function readTrusted(uids: readonly string[], sharing: Sharing): Promise<User[]> {
  const users = await readProfiles(uids, sharing);
  const { label } = sharing.plan.audience;
  const isNamed = users.some(({ audiences }) => includesAudience(audiences, sharing.audience));
  return label === undefined || isNamed ? users : [];
}

/** Without those that Lytics does not find, or shows no membership of. */
async function readProfiles(uids: readonly string[], { lytics, plan, attempt }: Sharing): Promise<User[]> {
  const profiles = await pMap(
    uids,
    async (uid) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      return profile && audiencesIn(profile.row, plan.job.config) ? [{ uid, ...profile }] : [];
    },
    { concurrency: PROFILES_AT_ONCE, signal: attempt.signal },
  );
  return profiles.flat();
}
