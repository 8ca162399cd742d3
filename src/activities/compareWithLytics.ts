import pMap from 'p-map';
import type { Audience, Lytics, Row } from '../lytics/client.ts';
import { isFilterable, isFilterableAudience, isFilterableField } from '../lytics/filterql.ts';
import { allAudiencesIn } from '../mapping/exclusion.ts';
import type { User } from '../mapping/mapping.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import { ATTEMPTS_PER_RECORD, PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findUsers } from './findUsers.ts';
import { lookUpUser } from './memberships.ts';
import type { Plan } from './preflight.ts';

export interface Comparison {
  /** Users who are not members of the audience, with their present membership: empty when Lytics does not know them. */
  leavers: User[];
  /** Members of an audience that the job excludes. */
  excluded: User[];
  /** UIDs of the other members. */
  members: Set<string>;
  /** How many users Lytics says nothing about; they are in none of the others. */
  silent: number;
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

/** Determines which users are no longer members of the audience. */
export async function compareWithLytics(uids: readonly string[], comparing: Comparing): Promise<Comparison> {
  const { missing, isVague, ...found } = await compareMembers(uids, comparing);
  return merged(found, await compareMissing(missing, isVague, comparing));
}

/** What a scan of the audience shows about users who carry it. */
export interface MembersComparison extends Comparison {
  /** UIDs missing from the audience, for {@link compareMissing}. */
  missing: string[];
  /** Whether rows may lack audiences: those of members do not name theirs, or there are none. */
  isVague: boolean;
}

/**
 * Finds the members among these users: one ad-hoc scan of the audience contains a hundred UIDs. Profiles are looked
 * up for UIDs that a statement cannot contain, and for all users where the site does not allow ad-hoc scans.
 */
export async function compareMembers(
  uids: readonly string[],
  comparing: Comparing,
): Promise<MembersComparison> {
  const isByStatement = isFilterableField(comparing.plan.job.config.gigya_id_field);
  const filterable = isByStatement ? uids.filter(isFilterable) : [];
  const found = await findUsers(filterable, nameInStatement(comparing.audience), comparing);
  const comparison = nobody();
  if (!found) {
    await lookUpEach(uids, comparing, comparison);
    return { ...comparison, missing: [], isVague: true };
  }
  const [sample] = found.keys();
  if (sample !== undefined) samples.set(comparing, sample);
  const toLookUp = uids.filter((uid) => !isByStatement || !isFilterable(uid));
  for (const uid of filterable.filter((one) => found.has(one))) {
    const user = comparing.isExcluded && userIn(uid, found.get(uid), comparing);
    // A row that does not name the audience that it was found in may be outdated.
    if (user && namesAudience(user.row, comparing)) sortUser(user, true, comparing, comparison);
    else if (comparing.isExcluded) toLookUp.push(uid);
    else comparison.members.add(uid);
  }
  await lookUpEach(toLookUp, comparing, comparison);
  const rows = [...found.values()].flat();
  const isVague = rows.length === 0 || !rows.every((row) => namesAudience(row, comparing));
  return { ...comparison, missing: filterable.filter((uid) => !found.has(uid)), isVague };
}

/**
 * Reads the memberships of users missing from the audience: an ad-hoc scan of all users contains a hundred UIDs.
 * Profiles are looked up for users missing there too.
 *
 * @param isVague Whether a row without any audience may be wrong, so that the profile has to decide.
 */
export async function compareMissing(
  uids: readonly string[],
  isVague: boolean,
  comparing: Comparing,
): Promise<Comparison> {
  const comparison = nobody();
  const found = await findUsers(uids, undefined, comparing);
  const toLookUp: string[] = [];
  for (const uid of uids) {
    const user = userIn(uid, found?.get(uid), comparing);
    // A member again since the first scan keeps the audience.
    if (user && !(isVague && user.audiences.length === 0))
      sortUser(user, includesAudience(user.audiences, comparing.audience), comparing, comparison);
    else toLookUp.push(uid);
  }
  await lookUpEach(toLookUp, comparing, comparison, (uid) => found?.has(uid) ?? false);
  return comparison;
}

/** The share of UIDs that are found as members; undefined without UIDs. */
export async function shareFound(uids: readonly string[], comparing: Comparing): Promise<number | undefined> {
  if (uids.length === 0) return undefined;
  const { members, excluded } = await compareWithLytics(uids, comparing);
  return (members.size + excluded.length) / uids.length;
}

const nobody = (): Comparison => ({ leavers: [], excluded: [], members: new Set(), silent: 0 });

export function merged(one: Comparison, other: Comparison): Comparison {
  return {
    leavers: [...one.leavers, ...other.leavers],
    excluded: [...one.excluded, ...other.excluded],
    members: new Set([...one.members, ...other.members]),
    silent: one.silent + other.silent,
  };
}

/** The user of a UID's only row; undefined when the profile has to decide: several rows share the UID, or the row has no membership. */
function userIn(
  uid: string,
  rows: readonly Row[] | undefined,
  { plan }: Comparing,
): (User & { row: Row }) | undefined {
  const [row, ...others] = rows ?? [];
  const audiences = row && audiencesIn(row, plan.job.config);
  if (!audiences || others.length > 0) return undefined;
  return { uid, row, audiences, memberOf: allAudiencesIn(row) };
}

function namesAudience(row: Row, { audience, plan }: Comparing): boolean {
  return includesAudience(audiencesIn(row, plan.job.config) ?? [], audience);
}

/** @param hasRow Whether an ad-hoc scan found the user, so that a look-up that does not find them says nothing. */
async function lookUpEach(
  uids: readonly string[],
  comparing: Comparing,
  comparison: Comparison,
  hasRow: (uid: string) => boolean = () => false,
): Promise<void> {
  await pMap(
    uids,
    async (uid) => {
      const user = await readUser(uid, comparing);
      if (!user || (user.row === undefined && hasRow(uid))) comparison.silent++;
      else sortUser(user, includesAudience(user.audiences, comparing.audience), comparing, comparison);
    },
    { concurrency: PROFILES_AT_ONCE, signal: comparing.attempt.signal },
  );
}

/** Undefined when Lytics says nothing about the user, who keeps what Gigya holds. */
async function readUser(uid: string, comparing: Comparing): Promise<User | undefined> {
  const { lytics, plan, attempt } = comparing;
  // A look-up that is answered shows that those without an answer are due to their users.
  if (attempt.number >= ATTEMPTS_PER_RECORD) await findsMembers(comparing);
  const found = await lookUpUser(lytics, uid, plan, attempt);
  if (found === 'nothing') return undefined;
  if (found !== 'unknown') return { uid, ...found };
  // By some fields, Lytics finds users with ad-hoc scans only.
  if (!(await findsMembers(comparing))) return undefined;
  return { uid, row: undefined, audiences: [], memberOf: [] };
}

/** A user whom an ad-hoc scan found, by comparison. */
const samples = new WeakMap<Comparing, string>();
const proofs = new WeakMap<Comparing, Promise<boolean>>();

/** Whether a look-up finds a user whom an ad-hoc scan found; true as well when there is none to try. */
function findsMembers(comparing: Comparing): Promise<boolean> {
  const { lytics, plan, attempt } = comparing;
  const sample = samples.get(comparing);
  if (sample === undefined) return Promise.resolve(true);
  const proof =
    proofs.get(comparing) ?? lookUpUser(lytics, sample, plan, attempt).then((found) => found !== 'unknown');
  proofs.set(comparing, proof);
  return proof;
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
