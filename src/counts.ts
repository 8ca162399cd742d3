/**
 * The outcome of every user of a run. Every run is checked against this invariant at its end:
 * **members + left = updated + unchanged + excluded + no_gigya_id + unknown_uid + failed + stale**.
 */
export interface Counts {
  /** Users of the audience; a row with several Gigya UIDs counts once for each. */
  members: number;
  /** Users who carry the audience in Gigya and are no longer members. */
  left: number;
  /** Written, or to be written in a preview. */
  updated: number;
  /** Gigya already held the same values. */
  unchanged: number;
  /** Members of an audience that the job excludes. */
  excluded: number;
  /** The ID field is missing or empty. */
  no_gigya_id: number;
  /** Gigya has no such user. */
  unknown_uid: number;
  /** Could not be written; see the reasons. */
  failed: number;
  /** Skipped rows of a plan: Gigya no longer holds what the plan was made from. Absent when there are none. */
  stale?: number;
}

/** How many users failed, by reason: Gigya's error code, or a reason of our own. */
export type Failures = Record<string, number>;

export function noCounts(): Counts {
  return {
    members: 0,
    left: 0,
    updated: 0,
    unchanged: 0,
    excluded: 0,
    no_gigya_id: 0,
    unknown_uid: 0,
    failed: 0,
  };
}

export function addCounts(to: Counts, more: Partial<Counts>): void {
  to.members += more.members ?? 0;
  to.left += more.left ?? 0;
  to.updated += more.updated ?? 0;
  to.unchanged += more.unchanged ?? 0;
  to.excluded += more.excluded ?? 0;
  to.no_gigya_id += more.no_gigya_id ?? 0;
  to.unknown_uid += more.unknown_uid ?? 0;
  to.failed += more.failed ?? 0;
  if (more.stale) to.stale = (to.stale ?? 0) + more.stale;
}

export function addFailures(to: Failures, more: Failures): void {
  for (const [reason, count] of Object.entries(more)) to[reason] = (to[reason] ?? 0) + count;
}

/** Users whose outcome is known. */
export function accountedFor(counts: Counts): number {
  const { updated, unchanged, excluded, no_gigya_id, unknown_uid, failed, stale = 0 } = counts;
  return updated + unchanged + excluded + no_gigya_id + unknown_uid + failed + stale;
}

/** Undefined when the invariant holds, else what is wrong. */
export function breachOfInvariant(counts: Counts): string | undefined {
  const seen = counts.members + counts.left;
  const accounted = accountedFor(counts);
  return seen === accounted ? undefined : `${seen} users were seen, but ${accounted} are accounted for`;
}

/** Fewer users than this can fail for one reason by chance, unless there are no others. */
const TELLING = 100;
/** After this many users, the records rather than the settings must be wrong. */
const FIRST_USERS = 5_000;
const NEARLY_ALL = 0.95;

/** Outcomes so far, to detect when nearly all users fail for one reason. */
export interface OutcomesSoFar {
  /** Users with a Gigya UID whose outcome is known. */
  handled: number;
  /** Failures by reason, with `unknown_uid` among them unless the job expects such users. */
  failures: Failures;
}

/** Outcomes after which no failures count as systematic. */
export const MANY_SUCCEEDED: OutcomesSoFar = { handled: FIRST_USERS + 1, failures: {} };

/**
 * What to report when nearly all users fail for one reason: continuing would only use up the quota.
 *
 * @param isEnd Whether no more users follow, so that a few are enough.
 */
export function systematicFailure(
  { handled, failures }: OutcomesSoFar,
  { isEnd = false } = {},
): string | undefined {
  if (handled === 0 || (!isEnd && (handled < TELLING || handled > FIRST_USERS))) return undefined;
  for (const [reason, count] of Object.entries(failures)) {
    if (count < handled * NEARLY_ALL) continue;
    const advice = ADVICE[reason] ?? `see ${reason} in Gigya's "Response Codes and Errors"`;
    return `${count} of ${isEnd ? '' : 'the first '}${handled} users failed with ${reason}; ${advice}`;
  }
  return undefined;
}

const ADVICE: Record<string, string> = {
  unknown_uid:
    'Gigya has no full accounts with these UIDs: check config.gigya_id_field and that the authorization is for the right site, or set config.lite_accounts if the audience is mostly lite accounts',
  not_in_lytics:
    'Lytics does not find its users by config.gigya_id_field: make it a field that identifies users, or choose another',
  imprecise_id: 'the IDs lost digits on the way: store them as text in Lytics',
  too_large: 'their mapped values are larger than a page: map fewer fields, or set top in config.mappings',
  too_many_ids: 'a row has more IDs than one page holds: check config.gigya_id_field',
};
