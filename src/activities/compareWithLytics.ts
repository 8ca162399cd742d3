import pMap from 'p-map';
import type { Audience, Lytics } from '../lytics/client.ts';
import { isFilterable, isFilterableAudience, isFilterableField } from '../lytics/filterql.ts';
import { allAudiencesIn } from '../mapping/exclusion.ts';
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
  /** Members of an audience that the job excludes. */
  excluded: User[];
  /** UIDs of the other members. */
  members: Set<string>;
}

/** The inputs of a comparison. */
export interface Comparing {
  lytics: Lytics;
  plan: Plan;
  audience: Audience;
  attempt: Attempt;
  /** Whether the job excludes a user; undefined when it excludes nobody. */
  isExcluded: ((memberOf: readonly string[]) => boolean) | undefined;
}

/**
 * Determines which users are no longer members of the audience. One ad-hoc scan of the audience contains a hundred
 * UIDs; a second scan, without the audience, returns the memberships of those who are missing. Profiles are looked
 * up for users missing in both, for UIDs that a statement cannot contain, and for all users where the site does not
 * allow ad-hoc scans.
 */
export async function compareWithLytics(uids: readonly string[], comparing: Comparing): Promise<Comparison> {
  const { plan, audience } = comparing;
  const comparison: Comparison = { leavers: [], excluded: [], members: new Set() };
  const isByStatement = isFilterableField(plan.job.config.gigya_id_field);
  const filterable = isByStatement ? uids.filter(isFilterable) : [];
  const found = await findUsers(filterable, nameInStatement(audience), comparing);
  const missing = found && filterable.filter((uid) => !found.has(uid));
  const present = missing && (await findUsers(missing, undefined, comparing));
  if (!found || !present) {
    await lookUpEach(uids, comparing, comparison);
    return comparison;
  }
  const rest = uids.filter((uid) => !isByStatement || !isFilterable(uid));
  for (const uid of filterable) {
    const isMember = found.has(uid);
    const [row, ...others] = found.get(uid) ?? present.get(uid) ?? [];
    const audiences = row && audiencesIn(row, plan.job.config);
    if (isMember && !comparing.isExcluded) comparison.members.add(uid);
    // Several profiles share the UID, or the row has no membership: the profile decides.
    else if (!audiences || others.length > 0) rest.push(uid);
    else sortUser({ uid, row, audiences, memberOf: allAudiencesIn(row) }, isMember, comparing, comparison);
  }
  await lookUpEach(rest, comparing, comparison);
  return comparison;
}

/** The share of UIDs that are found as members; undefined without UIDs. */
export async function shareFound(uids: readonly string[], comparing: Comparing): Promise<number | undefined> {
  if (uids.length === 0) return undefined;
  const { members, excluded } = await compareWithLytics(uids, comparing);
  return (members.size + excluded.length) / uids.length;
}

async function lookUpEach(
  uids: readonly string[],
  comparing: Comparing,
  comparison: Comparison,
): Promise<void> {
  const { lytics, plan, attempt } = comparing;
  await pMap(
    uids,
    async (uid) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      const nobody = { row: undefined, audiences: [], memberOf: [] };
      const user: User = { uid, ...(profile ?? nobody) };
      sortUser(user, includesAudience(user.audiences, comparing.audience), comparing, comparison);
    },
    { concurrency: PROFILES_AT_ONCE, signal: attempt.signal },
  );
}

function sortUser(user: User, isMember: boolean, { isExcluded }: Comparing, to: Comparison): void {
  if (!isMember) to.leavers.push(user);
  else if (isExcluded?.(user.memberOf)) to.excluded.push(user);
  else to.members.add(user.uid);
}

/** The slug if it is a valid FilterQL identifier, else the id. */
function nameInStatement({ slug_name, id }: Audience): string {
  if (isFilterableField(slug_name)) return slug_name;
  if (isFilterableField(id)) return id;
  return isFilterableAudience(slug_name) ? slug_name : id;
}
