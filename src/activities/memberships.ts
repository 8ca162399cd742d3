import pMap from 'p-map';
import type { Audience, Lytics, Row } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { allAudiencesIn } from '../mapping/exclusion.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import { uidsIn } from '../mapping/uids.ts';
import { PROFILES_AT_ONCE, TELLING_CONTRADICTIONS } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import { finalFailure } from './failures.ts';
import type { Plan } from './preflight.ts';

/** The run's audience with all its names. @throws when it was closed to Lytics' API: its label would be removed from everybody. */
export async function audienceOf(
  { job, audience }: Plan,
  lytics: Lytics,
  catalogues: Catalogues,
  attempt: Attempt,
): Promise<Audience> {
  const { id, slug } = audience;
  const listed = (await catalogues.read(lytics, [id], attempt.reading)).find(id);
  if (listed && audience.label !== undefined && job.config.audiences === 'public' && !listed.is_public) {
    throw finalFailure(
      'Configuration',
      `The audience "${slug}" was closed to Lytics' API during the run, which would remove "${audience.label}" from everybody; open it in Lytics, or set config.audiences to "all"`,
    );
  }
  const unnamed = { name: undefined, public_name: undefined, size: undefined };
  return listed ?? { ...unnamed, id, slug_name: slug, is_public: true };
}

/** The audiences that a user is in, in Lytics' words. */
export interface Membership {
  /** Those that the job exports. */
  audiences: string[];
  /** All, as far as Lytics shows them. */
  memberOf: string[];
}

/**
 * The membership that a row names, of a user found by their UID; undefined when the profile has to decide. Rows may come
 * with an empty list, which here no scan of an audience contradicts.
 */
export function membershipIn(row: Row, { job: { config } }: Plan): Membership | undefined {
  const audiences = audiencesIn(row, config);
  return audiences && audiences.length > 0 ? { audiences, memberOf: allAudiencesIn(row) } : undefined;
}

/** What Lytics knows about a user by their UID. */
export interface Profile extends Membership {
  row: Row;
}

/**
 * The user's profile; undefined when Lytics does not find them by this field.
 *
 * @throws {LyticsError} `isRefused` when Lytics rejects the look-up, which says nothing about the user.
 */
export async function readProfile(
  lytics: Lytics,
  uid: string,
  { job: { config } }: Plan,
  attempt: Attempt,
): Promise<Profile | undefined> {
  const row = await lytics.profile(config.gigya_id_field, uid, attempt.reading);
  return row && { row, audiences: audiencesIn(row, config) ?? [], memberOf: allAudiencesIn(row) };
}

/** As `readProfile`, and undefined when Lytics rejects the look-up: one user must not stop the page. */
export function lookUpProfile(
  lytics: Lytics,
  uid: string,
  plan: Plan,
  attempt: Attempt,
): Promise<Profile | undefined> {
  return readProfile(lytics, uid, plan, attempt).catch((error: unknown) => {
    if (error instanceof LyticsError && error.isRefused) return undefined;
    throw error;
  });
}

/** Whether a profile has any list of audiences, if an empty one. */
function showsMembership(profile: Row): boolean {
  return Array.isArray(profile['segments']) || Array.isArray(profile['segments_all']);
}

/**
 * The memberships of rows that have a UID: from the row, or from the profile when the row has none or does not
 * name the audience that it was scanned from. Rows whose user Lytics does not find, or whose profile shows no
 * membership, are absent from the result.
 */
export async function readMemberships(
  lytics: Lytics,
  rows: readonly Row[],
  plan: Plan,
  audience: Audience,
  attempt: Attempt,
): Promise<Map<Row, Membership>> {
  const { config } = plan.job;
  const memberships = new Map<Row, Membership>();
  const toLookUp = new Map<Row, string>();
  const isExpected = (names: readonly string[]) =>
    plan.audience.label === undefined || includesAudience(names, audience);
  for (const row of rows) {
    const [uid] = uidsIn(row, config.gigya_id_field).uids;
    if (uid === undefined) continue;
    const names = audiencesIn(row, config);
    if (names && isExpected(names)) memberships.set(row, { audiences: names, memberOf: allAudiencesIn(row) });
    else toLookUp.set(row, uid);
  }
  const hasTrustedRows = memberships.size > 0;
  await pMap(
    toLookUp,
    async ([row, uid]) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      // Only the membership: everything else is the row's. A profile that shows none says nothing about the user.
      if (profile && showsMembership(profile.row))
        memberships.set(row, { audiences: profile.audiences, memberOf: profile.memberOf });
    },
    { concurrency: PROFILES_AT_ONCE },
  );
  const found = [...toLookUp.keys()].flatMap((row) => memberships.get(row)?.audiences ?? []);
  if (!hasTrustedRows && memberships.size >= TELLING_CONTRADICTIONS && !isExpected(found)) {
    throw finalFailure(
      'Configuration',
      `Neither the rows nor the profiles of ${memberships.size} users of the audience "${audience.slug_name}" name it, so it would be removed from everybody; open the audience to Lytics' API, or give ${lytics.name} a token that sees it`,
    );
  }
  return memberships;
}
