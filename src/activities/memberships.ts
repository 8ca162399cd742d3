import pMap from 'p-map';
import type { Audience, Lytics, Row } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { allAudiencesIn } from '../mapping/exclusion.ts';
import { audiencesIn, includesAudience } from '../mapping/membership.ts';
import { uidsIn } from '../mapping/uids.ts';
import { ATTEMPTS_PER_RECORD, PROFILES_AT_ONCE, TELLING_CONTRADICTIONS } from '../tuning.ts';
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
  const { id, slug, name, public_name } = audience;
  const catalogue = await catalogues.read(lytics, [id], attempt.reading);
  const listed = catalogue.find(id);
  if (listed && audience.label !== undefined && job.config.audiences === 'public' && !listed.is_public) {
    throw finalFailure(
      'Configuration',
      `The audience "${slug}" was closed to Lytics' API during the run, which would remove "${audience.label}" from everybody; open it in Lytics, or set config.audiences to "all"`,
    );
  }
  const known = listed ?? { id, slug_name: slug, name, public_name, size: undefined, is_public: true };
  // A membership that has the slug of another audience means that one, whatever this one is called.
  const unlessOther = (alias: string | undefined) => {
    const other = alias === undefined ? undefined : catalogue.find(alias);
    return other && other.id !== id && (other.slug_name === alias || other.id === alias) ? undefined : alias;
  };
  return { ...known, name: unlessOther(known.name), public_name: unlessOther(known.public_name) };
}

/** Whether a membership makes its user a member of the job's audience; always when its users do not carry it. */
export function isMember(names: readonly string[], plan: Plan, audience: Audience): boolean {
  return plan.audience.label === undefined || includesAudience(names, audience);
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
 * What Lytics says about a user: their profile, that it does not know them by this field, or nothing when it rejects the
 * look-up or the profile has no list of audiences.
 */
export type LookUp = Profile | 'unknown' | 'nothing';

export async function lookUpUser(
  lytics: Lytics,
  uid: string,
  { job: { config } }: Plan,
  attempt: Attempt,
): Promise<LookUp> {
  try {
    const row = await lytics.profile(config.gigya_id_field, uid, attempt.reading);
    answered.add(attempt);
    if (!row) return 'unknown';
    const isInNone = Array.isArray(row['segments_all']) && row['segments_all'].length === 0;
    const audiences = audiencesIn(row, config) ?? (isInNone ? [] : undefined);
    return audiences ? { row, audiences, memberOf: allAudiencesIn(row) } : 'nothing';
  } catch (error) {
    // One user must not stop the page.
    if (!(error instanceof LyticsError)) throw error;
    const isOfUser =
      attempt.number >= ATTEMPTS_PER_RECORD && error.reason === 'no_answer' && answered.has(attempt);
    if (error.isRefused || isOfUser) return 'nothing';
    throw error;
  }
}

/** Attempts in which a look-up was answered: when another is not, time after time, its user is the reason. */
const answered = new WeakSet<Attempt>();

/** The user's profile; undefined when Lytics does not know them, or says nothing about them. */
export async function lookUpProfile(
  lytics: Lytics,
  uid: string,
  plan: Plan,
  attempt: Attempt,
): Promise<Profile | undefined> {
  const found = await lookUpUser(lytics, uid, plan, attempt);
  return typeof found === 'string' ? undefined : found;
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
  const isExpected = (names: readonly string[]) => isMember(names, plan, audience);
  for (const row of rows) {
    const [uid] = uidsIn(row, config.gigya_id_field).uids;
    if (uid === undefined) continue;
    const names = audiencesIn(row, config);
    if (names && isExpected(names)) memberships.set(row, { audiences: names, memberOf: allAudiencesIn(row) });
    else toLookUp.set(row, uid);
  }
  const hasTrustedRows = memberships.size > 0;
  const [trusted] = memberships.keys();
  const [sample] = trusted ? uidsIn(trusted, config.gigya_id_field).uids : [];
  // A look-up that is answered shows that those without an answer are due to their users.
  if (attempt.number >= ATTEMPTS_PER_RECORD && sample !== undefined)
    await lookUpUser(lytics, sample, plan, attempt);
  await pMap(
    toLookUp,
    async ([row, uid]) => {
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      // Only the membership: everything else is the row's.
      if (profile) memberships.set(row, { audiences: profile.audiences, memberOf: profile.memberOf });
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
