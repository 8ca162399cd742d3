/**
 * What became of the users of a run. The law, checked at the end of each run:
 * **members + left = updated + unchanged + no_gigya_id + unknown_uid + failed**.
 */
export interface Counts {
  /** Rows of the audience seen; a row with several Gigya UIDs counts once for each. */
  members: number;
  /** Users seen who carry the audience in Gigya and are no longer in it. */
  left: number;
  /** Written, or with `dry_run` to be written. */
  updated: number;
  /** Gigya held the same already. */
  unchanged: number;
  /** The ID field is missing or empty. */
  no_gigya_id: number;
  /** Gigya has no such user. */
  unknown_uid: number;
  /** Refused; the reasons are counted beside. */
  failed: number;
}

/** How many users failed, by the reason: Gigya's errorCode, or a word of ours. */
export type Failures = Record<string, number>;

export function noCounts(): Counts {
  return { members: 0, left: 0, updated: 0, unchanged: 0, no_gigya_id: 0, unknown_uid: 0, failed: 0 };
}

export function addCounts(to: Counts, more: Partial<Counts>): void {
  to.members += more.members ?? 0;
  to.left += more.left ?? 0;
  to.updated += more.updated ?? 0;
  to.unchanged += more.unchanged ?? 0;
  to.no_gigya_id += more.no_gigya_id ?? 0;
  to.unknown_uid += more.unknown_uid ?? 0;
  to.failed += more.failed ?? 0;
}

export function addFailures(to: Failures, more: Failures): void {
  for (const [reason, count] of Object.entries(more)) to[reason] = (to[reason] ?? 0) + count;
}

/** The users whose fate is known. */
export function accountedFor({ updated, unchanged, no_gigya_id, unknown_uid, failed }: Counts): number {
  return updated + unchanged + no_gigya_id + unknown_uid + failed;
}

/** Undefined when the law holds, else what is off. */
export function breachOfLaw(counts: Counts): string | undefined {
  const seen = counts.members + counts.left;
  const accounted = accountedFor(counts);
  return seen === accounted ? undefined : `${seen} users were seen, but ${accounted} are accounted for`;
}

/** How many users tell that a failure is no accident of one record. */
const TELLING = 100;
/** The first pages: later on, so many users were handled well that records must be at fault. */
const FIRST_PAGES = 5_000;

/**
 * What to tell when nearly every user of the first pages fails for one reason: to go on would only burn the
 * quota. Users that Gigya does not know are a reason too, under its code 403005.
 *
 * @param handled Users with a Gigya UID whose fate is known.
 */
export function systematicFailure(handled: number, failures: Failures): string | undefined {
  if (handled < TELLING || handled > FIRST_PAGES) return undefined;
  for (const [reason, count] of Object.entries(failures)) {
    if (count < handled * 0.95) continue;
    const advice = ADVICE[reason] ?? `see ${reason} in Gigya's "Response Codes and Errors"`;
    return `${count} of the first ${handled} users were refused with ${reason}; ${advice}`;
  }
  return undefined;
}

const ADVICE: Record<string, string> = {
  '403005':
    'Gigya has no accounts with these UIDs: check config.gigya_id_field, and that the authorization is for the right site',
  not_in_lytics:
    'Lytics does not find its users by config.gigya_id_field: make it a field that identifies users, or choose another',
  imprecise_id: 'the IDs lost digits on the way: store them as texts in Lytics',
};
