import pMap from 'p-map';
import type { Audience, Lytics, Row, ScanPage } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { isFilterable, isFilterableField, UIDS_PER_STATEMENT, usersWith } from '../lytics/filterql.ts';
import type { User } from '../mapping/mapping.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import { uidsIn } from '../mapping/uids.ts';
import type { Attempt } from './attempt.ts';
import { lookUpProfile } from './memberships.ts';
import type { Plan } from './preflight.ts';

const STATEMENTS_AT_ONCE = 5;
const PROFILES_AT_ONCE = 10;
/** Pages of one statement: it names 100 UIDs, and several profiles may share one. */
const MOST_PAGES = 10;

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

/** Rows by UID; undefined when the site does not allow ad-hoc scans. */
async function findUsers(
  uids: readonly string[],
  audience: string | undefined,
  comparing: Comparing,
): Promise<Map<string, Row[]> | undefined> {
  const { plan, attempt } = comparing;
  const field = plan.job.config.gigya_id_field;
  const wanted = new Set(uids);
  const found = new Map<string, Row[]>();
  const groups: string[][] = [];
  for (let at = 0; at < uids.length; at += UIDS_PER_STATEMENT) {
    groups.push(uids.slice(at, at + UIDS_PER_STATEMENT));
  }
  try {
    await pMap(
      groups,
      async (group) => {
        const statement = usersWith(field, group, audience);
        for (const row of await readAll(comparing, statement)) {
          for (const uid of uidsIn(row, field).uids) {
            if (wanted.has(uid)) found.set(uid, [...(found.get(uid) ?? []), row]);
          }
        }
      },
      { concurrency: STATEMENTS_AT_ONCE, signal: attempt.signal },
    );
    return found;
  } catch (error) {
    if (error instanceof LyticsError && error.isRefused) return undefined;
    throw error;
  }
}

async function readAll({ lytics, attempt }: Comparing, statement: string): Promise<Row[]> {
  const rows: Row[] = [];
  let start = '';
  for (let page = 0; page < MOST_PAGES; page++) {
    const read: ScanPage = await lytics.find(statement, start, attempt.reading);
    rows.push(...read.rows);
    if (read.next === '' || read.rows.length === 0) break;
    start = read.next;
  }
  return rows;
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
