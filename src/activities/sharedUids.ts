import pMap from 'p-map';
import type { Lytics } from '../lytics/client.ts';
import type { Mapping, User } from '../mapping/mapping.ts';
import type { UserRecord } from '../record.ts';
import { PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findUsers } from './findUsers.ts';
import { lookUpProfile } from './memberships.ts';
import type { Plan } from './preflight.ts';

export interface Sharing {
  lytics: Lytics;
  plan: Plan;
  attempt: Attempt;
}

/**
 * Rows far apart in a scan may share a UID. They would overwrite each other in every run, so all of them get the
 * record of the profile that Lytics finds by the UID.
 *
 * @param uids UIDs whose record is about to change.
 * @returns The profiles of those that several rows share. Empty where the site does not allow ad-hoc scans.
 */
export async function recordsOfShared(
  uids: readonly string[],
  sharing: Sharing,
  mapping: (profiles: readonly User[]) => Promise<Mapping>,
): Promise<Map<string, UserRecord>> {
  const rows = await findUsers(uids, undefined, sharing);
  const shared = uids.filter((uid) => (rows?.get(uid)?.length ?? 0) > 1);
  const profiles = await pMap(
    shared,
    async (uid) => {
      const profile = await lookUpProfile(sharing.lytics, uid, sharing.plan, sharing.attempt);
      return profile ? [{ uid, ...profile }] : [];
    },
    { concurrency: PROFILES_AT_ONCE, signal: sharing.attempt.signal },
  );
  const users = profiles.flat();
  const { recordOf } = await mapping(users);
  return new Map(users.map((user) => [user.uid, recordOf(user)]));
}
