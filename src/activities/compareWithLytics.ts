import pMap from 'p-map';
import type { Audience, Lytics } from '../lytics/client.ts';
import { isFilterable, isFilterableField } from '../lytics/filterql.ts';
import type { User } from '../mapping/mapping.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import { PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findUsers } from './findUsers.ts';
import { lookUpProfile } from './memberships.ts';
import type { Plan } from './preflight.ts';

export interface Comparison {
  /** Users who are not members of the audience, with their present membership: empty when Lytics does not know them. */
  leavers: User[];
  /** UIDs of members. */
  members: Set<string>;
}

/** Everything that a comparison needs to know. */
export interface Comparing {
  lytics: Lytics;
  plan: Plan;
  audience: Audience;
  attempt: Attempt;
}

/**
 * Finds out which users are not members of the audience any more. A hundred UIDs go into one ad-hoc scan of the
 * audience; the memberships of those who are missing come from a second one without the audience. Whoever is
 * missing there as well is looked up by profile before they count as unknown, and so are UIDs that a statement
 * cannot contain, and all of them where the site does not allow ad-hoc scans.
 */
export async function compareWithLytics(uids: readonly string[], comparing: Comparing): Promise<Comparison> {
  const { plan, audience } = comparing;
  const comparison: Comparison = { leavers: [], members: new Set() };
  const isByStatement = isFilterableField(plan.job.config.gigya_id_field);
  const filterable = isByStatement ? uids.filter(isFilterable) : [];
  const missing = await withoutMembers(filterable, nameInStatement(audience), comparing);
  const present = missing && (await findUsers(missing, undefined, comparing));
  if (!missing || !present) {
    await lookUpEach(uids, comparing, comparison);
    return comparison;
  }
  const isMissing = new Set(missing);
  for (const uid of filterable) if (!isMissing.has(uid)) comparison.members.add(uid);
  const rest = uids.filter((uid) => !isByStatement || !isFilterable(uid));
  for (const uid of missing) {
    const [row, ...others] = present.get(uid) ?? [];
    const audiences = row && audiencesIn(row, plan.job.config);
    // Several profiles share the UID, or the row has no membership: the profile decides.
    if (!audiences || others.length > 0) rest.push(uid);
    else sortUser({ uid, row, audiences }, audience, comparison);
  }
  await lookUpEach(rest, comparing, comparison);
  return comparison;
}

/** The share of UIDs that are found as members; undefined when none could be asked for. */
export async function shareFound(uids: readonly string[], comparing: Comparing): Promise<number | undefined> {
  if (uids.length === 0) return undefined;
  const { members } = await compareWithLytics(uids, comparing);
  return members.size / uids.length;
}

/** The UIDs that are not found among the members; undefined when the site does not allow ad-hoc scans. */
async function withoutMembers(uids: readonly string[], audience: string, comparing: Comparing) {
  const found = await findUsers(uids, audience, comparing);
  return found && uids.filter((uid) => !found.has(uid));
}

async function lookUpEach(
  uids: readonly string[],
  { lytics, plan, audience, attempt }: Comparing,
  comparison: Comparison,
): Promise<void> {
  await pMap(
    uids,
    async (uid) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      sortUser({ uid, row: profile?.row, audiences: profile?.audiences ?? [] }, audience, comparison);
    },
    { concurrency: PROFILES_AT_ONCE, signal: attempt.signal },
  );
}

function sortUser(user: User, audience: Audience, { leavers, members }: Comparison): void {
  if (includesAudience(user.audiences, audience)) members.add(user.uid);
  else leavers.push(user);
}

/** The slug where FilterQL can read it as a name, else the id. */
function nameInStatement({ slug_name, id }: Audience): string {
  return isFilterableField(slug_name) || !isFilterableField(id) ? slug_name : id;
}
