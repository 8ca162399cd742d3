import type { Job } from '../job.ts';
import { type Held, holds, type UserRecord, type Value } from '../record.ts';
import type { FailedRow } from '../rows.ts';

/** One step of the way from a Lytics profile to Gigya. */
export interface ExplainedStep {
  result: 'PASS' | 'FAIL' | 'INFO';
  what: string;
  found: string;
}

/** What is known about one user of a job, and what to do. */
export interface Explanation {
  uid: string;
  steps: ExplainedStep[];
  /** Why the user holds what they hold, in one sentence. */
  diagnosis: string;
  /** Null when there is nothing to do. */
  fix: string | null;
}

/** The newest run of the job that wrote, and what it recorded about the user. */
export interface NewestRun {
  run_id: string;
  /** `completed`, `failed`, `cancelled`, or `running` for a run under way. */
  state: string;
  /** Absent when the run recorded nothing: the user was written, already held the record, or was not reached. */
  outcome?: FailedRow;
  /** Why its failures could not be read. */
  unread?: string;
}

/** What was found out about the user. */
export interface Facts {
  uid: string;
  job: Job;
  audience: { slug: string; label?: string };
  /** Profiles in Lytics whose ID field is this UID. */
  profiles: number;
  /** Why the UID cannot be read from the profile that Lytics finds. */
  idFault?: IdFault;
  membership: 'member' | 'excluded' | 'none';
  /** Whether a query can contain the UID. */
  isQueryable: boolean;
  /** By a consistent read; null when Gigya does not know the user. */
  held: Held | null;
  /** In Gigya's index; undefined when it does not have the user, or cannot be asked. */
  indexed: Held | undefined;
  /** What the user should hold by their present membership. */
  record: UserRecord;
  newestRun: NewestRun | null;
}

export type IdFault = 'missing' | 'imprecise' | 'too_many';

/** A sentence for each state that a user can be in, and the steps that lead to it. */
export function explain(facts: Facts): Explanation {
  return { uid: facts.uid, steps: stepsOf(facts), ...diagnose(facts) };
}

/** The explanation when a check of the job fails: it writes nobody. */
export function explainBrokenJob(uid: string, fault: string): Explanation {
  return {
    uid,
    steps: [{ result: 'FAIL', what: 'job', found: fault }],
    diagnosis: 'The job cannot run, so it writes no user.',
    fix: fault,
  };
}

function stepsOf(facts: Facts): ExplainedStep[] {
  const { profiles, job } = facts;
  const field = job.config.gigya_id_field;
  const inLytics: ExplainedStep = {
    result: profiles > 0 ? 'PASS' : 'FAIL',
    what: 'Lytics user',
    found:
      profiles === 0
        ? `no profile has this UID in ${field}`
        : profiles === 1
          ? `found by ${field}`
          : `${profiles} profiles have this UID in ${field}; the one that Lytics finds by it decides`,
  };
  return [
    inLytics,
    ...(profiles > 0 ? [memberStep(facts), ...exclusionSteps(facts)] : []),
    idStep(facts),
    newestRunStep(facts),
    ...gigyaSteps(facts),
    nextRunStep(facts),
  ];
}

function memberStep({ membership, audience }: Facts): ExplainedStep {
  const isMember = membership !== 'none';
  const found = isMember ? `in "${audience.slug}"` : `not in "${audience.slug}"`;
  return { result: isMember ? 'PASS' : 'FAIL', what: 'member', found };
}

function exclusionSteps({ membership, job }: Facts): ExplainedStep[] {
  const names = job.config.exclude_segment_ids;
  if (names.length === 0) return [];
  const isExcluded = membership === 'excluded';
  const found = isExcluded
    ? `in an audience that the job excludes (${names.join(', ')})`
    : `in none of ${names.join(', ')}`;
  return [{ result: isExcluded ? 'FAIL' : 'PASS', what: 'exclusion', found }];
}

function idStep({ idFault, isQueryable, job, profiles }: Facts): ExplainedStep {
  const field = job.config.gigya_id_field;
  const what = 'Gigya ID';
  if (idFault) return { result: 'FAIL', what, found: ID_FAULTS[idFault](field) };
  if (!isQueryable) {
    return {
      result: 'INFO',
      what,
      found: 'a Gigya query cannot contain this UID; each run reads the account instead',
    };
  }
  return { result: profiles > 0 ? 'PASS' : 'INFO', what, found: 'usable' };
}

const ID_FAULTS: Record<IdFault, (field: string) => string> = {
  missing: (field) => `the profile has no such value in ${field}`,
  imprecise: (field) => `${field} holds a number that has lost digits`,
  too_many: (field) => `${field} has more UIDs than a page can hold`,
};

function newestRunStep({ newestRun }: Facts): ExplainedStep {
  const what = 'newest run';
  if (!newestRun) return { result: 'INFO', what, found: 'the job has not run yet' };
  const { outcome, unread, state, run_id } = newestRun;
  if (outcome) {
    return { result: 'FAIL', what, found: `${describeOutcome(outcome)} (run ${run_id})` };
  }
  if (unread !== undefined) {
    return {
      result: 'INFO',
      what,
      found: `${state}; its failures cannot be read: ${unread} (run ${run_id})`,
    };
  }
  if (state === 'completed')
    return { result: 'PASS', what, found: `completed without a failure of this user (run ${run_id})` };
  return { result: 'INFO', what, found: `${state}; it may not have reached this user (run ${run_id})` };
}

function describeOutcome({ status, errorCode, statusMessage, callId }: FailedRow): string {
  const details = [`${status}, code ${errorCode}`, ...(callId ? [`callId ${callId}`] : [])].join(', ');
  return statusMessage ? `${details}: ${statusMessage}` : details;
}

function gigyaSteps({ held, indexed, isQueryable, record, job }: Facts): ExplainedStep[] {
  const what = 'Gigya';
  if (held === null) return [{ result: 'FAIL', what, found: 'no account with this UID on this site' }];
  const steps: ExplainedStep[] = [
    { result: 'INFO', what, found: `holds ${valuesOf(held, fieldsIn(record, job))}` },
  ];
  if (isQueryable && isBehind(held, indexed, record)) {
    const shown = indexed
      ? `shows ${valuesOf(indexed, fieldsIn(record, job))}`
      : 'does not have the user yet';
    steps.push({ result: 'INFO', what: 'Gigya index', found: `behind: it ${shown}` });
  }
  return steps;
}

/** Whether the index does not have what a consistent read returns. */
function isBehind(held: Held, indexed: Held | undefined, { data }: UserRecord): boolean {
  if (!indexed) return true;
  return Object.keys(data).some((field) => JSON.stringify(held[field]) !== JSON.stringify(indexed[field]));
}

function nextRunStep(facts: Facts): ExplainedStep {
  const { held, record, job } = facts;
  const what = 'next run';
  if (!isWritten(facts)) return { result: 'INFO', what, found: 'does not write this user' };
  if (held && holds(held, record.data))
    return { result: 'PASS', what, found: 'writes nothing: Gigya already holds the record' };
  return { result: 'INFO', what, found: `writes ${valuesOf(record.data, fieldsIn(record, job))}` };
}

/** Whether a run writes a record for the user, or compares it. */
function isWritten(facts: Facts): boolean {
  const { membership, idFault, held } = facts;
  if (held === null) return false;
  if (membership === 'member') return idFault === undefined;
  return carries(facts) && facts.job.config.on_exit === 'update';
}

/** Whether the user carries the audience in Gigya now. */
function carries({ held, audience: { label }, job }: Facts): boolean {
  const value = held?.[job.config.gigya_field];
  return label !== undefined && Array.isArray(value) && value.includes(label);
}

interface Diagnosis {
  diagnosis: string;
  fix: string | null;
}

/** The first state that applies, from the beginning of the way to its end. */
function diagnose(facts: Facts): Diagnosis {
  return ofLytics(facts) ?? ofGigya(facts) ?? ofMembership(facts) ?? ofOutcome(facts) ?? ofRecord(facts);
}

function ofLytics(facts: Facts): Diagnosis | undefined {
  const { profiles, held, idFault, job } = facts;
  const field = job.config.gigya_id_field;
  if (profiles === 0 && held === null) {
    return {
      diagnosis: 'Neither Lytics nor Gigya knows this UID.',
      fix: `check the UID; Lytics is searched by ${field}`,
    };
  }
  if (profiles === 0 && !carries(facts)) {
    return {
      diagnosis: `No profile in Lytics has this UID in ${field}, so no run writes the user.`,
      fix: `give the user's profile the UID in ${field}, or correct config.gigya_id_field`,
    };
  }
  if (idFault === undefined) return undefined;
  const fixes: Record<IdFault, string> = {
    missing: `set ${field} in the user's profile`,
    imprecise: `store ${field} as text in Lytics`,
    too_many: `check config.gigya_id_field: ${field} should identify one user`,
  };
  return {
    diagnosis: `The UID cannot be read from the user's profile: ${ID_FAULTS[idFault](field)}.`,
    fix: fixes[idFault],
  };
}

function ofGigya({ held, job }: Facts): Diagnosis | undefined {
  if (held !== null) return undefined;
  return {
    diagnosis: 'Gigya has no full account with this UID on this site; runs count the user as unknown_uid.',
    fix: job.config.lite_accounts
      ? 'the job expects lite accounts, which cannot be written: nothing to do unless this user has a full account'
      : `check that config.gigya_id_field (${job.config.gigya_id_field}) holds UIDs of this site; a lite account cannot be written`,
  };
}

function ofMembership(facts: Facts): Diagnosis | undefined {
  const { membership, audience, job } = facts;
  if (membership === 'member') return undefined;
  const why =
    membership === 'excluded'
      ? 'The user is in an audience that the job excludes'
      : `The user is not a member of "${audience.slug}"`;
  if (!carries(facts)) {
    return {
      diagnosis: `${why}, and does not carry it in Gigya; no run writes the user.`,
      fix:
        membership === 'excluded'
          ? 'to export the user, take the audience out of config.exclude_segment_ids'
          : null,
    };
  }
  if (job.config.on_exit === 'keep') {
    return {
      diagnosis: `${why} and still carries it in Gigya: config.on_exit is "keep".`,
      fix: 'set config.on_exit to "update" to correct users who leave',
    };
  }
  return {
    diagnosis: `${why} and still carries it in Gigya; the next run corrects the user.`,
    fix: 'run the job, or wait for its next run',
  };
}

function ofOutcome(facts: Facts): Diagnosis | undefined {
  const { newestRun, held, record } = facts;
  const outcome = newestRun?.outcome;
  if (!outcome || (held && holds(held, record.data))) return undefined;
  if (outcome.status === 'stale') {
    return {
      diagnosis: 'The applied plan skipped the user: something else had changed the value since the preview.',
      fix: 'run the job, or make a new preview and apply it',
    };
  }
  const { errorCode, callId } = outcome;
  const support = callId ? `, and give SAP support the callId ${callId}` : '';
  return {
    diagnosis: `The newest run could not write the user: ${describeOutcome(outcome)}.`,
    fix: `see ${errorCode} in Gigya's "Response Codes and Errors"${support}; then run "retry"`,
  };
}

function ofRecord(facts: Facts): Diagnosis {
  const { profiles, held, indexed, record, audience, job, isQueryable, newestRun } = facts;
  if (audience.label === undefined) {
    return {
      diagnosis: `"${audience.slug}" is not open to Lytics' API, so its members do not carry it.`,
      fix: 'open the audience in Lytics, or set config.audiences to "all"',
    };
  }
  if (held && !holds(held, record.data)) {
    const since =
      newestRun?.state === 'completed' ? 'since the newest run' : 'and no run has written the user yet';
    return {
      diagnosis: `Gigya does not hold the user's present record: Lytics or Gigya changed ${since}. The next run writes it.`,
      fix: 'run the job, or wait for its next run',
    };
  }
  if (profiles > 1) {
    return {
      diagnosis: `Gigya holds the record, but ${profiles} profiles in Lytics share this UID: the one that Lytics finds by it decides.`,
      fix: 'merge the profiles in Lytics',
    };
  }
  if (held && isQueryable && isBehind(held, indexed, record)) {
    return {
      diagnosis:
        'Gigya holds the record, but its index is behind, so a search still shows the earlier value.',
      fix: 'search again in a minute',
    };
  }
  return { diagnosis: `Gigya holds the user's present record in ${job.config.gigya_field}.`, fix: null };
}

const fieldsIn = ({ data }: UserRecord, { config }: Job): string[] => [
  ...new Set([config.gigya_field, ...Object.keys(data)]),
];

function valuesOf(values: Held | Readonly<Record<string, Value>>, fields: readonly string[]): string {
  return fields.map((field) => `${field} ${JSON.stringify(values[field] ?? null)}`).join(', ');
}
