import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { AuthorizationError } from '../authorizations.ts';
import { isRecordFault, ServiceError } from '../errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import type { Row } from '../lytics/client.ts';
import { allAudiencesIn, createExclusion } from '../mapping/exclusion.ts';
import { createMapping, fieldsOf, type User } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import type { FailedRow, RunReference } from '../rows.ts';
import { MOST_IDS_PER_ROW } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import { checkAll, type Findings } from './checks.ts';
import { type Comparing, compareWithLytics } from './compareWithLytics.ts';
import type { Connections } from './connections.ts';
import {
  type Explanation,
  explain,
  explainBrokenJob,
  type Facts,
  type IdFault,
  type NewestRun,
} from './explanation.ts';
import { findUsers } from './findUsers.ts';
import { audienceOf, lookUpUser, membershipIn } from './memberships.ts';
import { type Plan, settingsOf } from './preflight.ts';
import { rowsOfRun } from './readRows.ts';

/** A question has a minute. */
const FAILURES_MS = 30_000;

export interface Explaining {
  document: unknown;
  uid: string;
  /** The newest run that wrote; null when there is none. */
  run: (RunReference & Pick<NewestRun, 'state'>) | null;
  /** Needed to read the run. */
  client: Client | null;
  connections: Connections;
  catalogues: Catalogues;
  attempt: Attempt;
}

/** Follows one user from Lytics to Gigya without writing anything. */
export async function explainUser(explaining: Explaining): Promise<Explanation> {
  const { document, uid, connections, attempt } = explaining;
  let findings: Findings;
  try {
    ({ findings } = await checkAll({ document, connections, attempt }));
  } catch (error) {
    attempt.signal.throwIfAborted();
    // An outage, or another worker's authorization, says nothing about the job.
    if (error instanceof AuthorizationError || (error instanceof ServiceError && error.retry !== 'never'))
      throw error;
    return explainBrokenJob(uid, error instanceof Error ? error.message : String(error));
  }
  return explain(await factsOf(findings, explaining));
}

async function factsOf(findings: Findings, explaining: Explaining): Promise<Facts> {
  const { uid, attempt } = explaining;
  const { job, gigya } = findings;
  const plan: Plan = { ...settingsOf(findings), alert_after_seconds: 0, warnings: [] };
  const lytics = await factsOfLytics(findings.lytics, plan, explaining);
  const storage = openStorage(gigya, job.config, fieldsOf(job.config));
  const isInQueries = isQueryable(uid);
  const held = await storage.read(uid, attempt.reading).catch((error: unknown) => {
    if (isRecordFault(error) && error.reason === 'unknown_uid') return null;
    throw error;
  });
  const index = isInQueries ? await storage.lookUp([uid], attempt.reading) : undefined;
  return {
    ...lytics,
    uid,
    job,
    audience: plan.audience,
    isQueryable: isInQueries,
    held,
    indexed: index?.get(uid),
    newestRun: await readNewestRun(explaining),
  };
}

/** What the newest run recorded about the user: the last row, since a user may be in several scans. */
async function readNewestRun({ run, client, uid, connections }: Explaining): Promise<NewestRun | null> {
  if (!run || !client) return null;
  const { runId: run_id, state } = run;
  const until = Date.now() + FAILURES_MS;
  let outcome: FailedRow | undefined;
  try {
    for await (const { rows } of rowsOfRun(client, connections, run, 'failed')) {
      outcome = rows.findLast(({ identifier }) => identifier === uid) ?? outcome;
      if (Date.now() > until) return { run_id, state, unread: 'there are too many; use "failures"' };
    }
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    return { run_id, state, unread: error.message };
  }
  return { run_id, state, ...(outcome && { outcome }) };
}

type LyticsFacts = Pick<Facts, 'profiles' | 'idFault' | 'membership' | 'record'>;

async function factsOfLytics(
  lytics: Findings['lytics'],
  plan: Plan,
  { uid, catalogues, attempt }: Explaining,
): Promise<LyticsFacts> {
  const { excluded: ids = [] } = plan;
  const isExcluded =
    ids.length > 0 ? createExclusion(ids, await catalogues.read(lytics, ids, attempt.reading)) : undefined;
  const audience = await audienceOf(plan, lytics, catalogues, attempt);
  const comparing: Comparing = { lytics, plan, audience, attempt, isExcluded };
  const rows = (await findUsers([uid], undefined, comparing))?.get(uid) ?? [];
  const found = await lookUpUser(lytics, uid, plan, attempt);
  const profile = typeof found === 'string' ? undefined : found;
  const { members, excluded, leavers } = await compareWithLytics([uid], comparing);
  // As in a run: the row of the scan, or the profile when several rows share the UID.
  const row = rows.length === 1 ? rows[0] : (profile?.row ?? rows[0]);
  const member: User = {
    uid,
    row,
    audiences: (row && membershipIn(row, plan)?.audiences) ?? profile?.audiences ?? [],
    memberOf: row ? allAudiencesIn(row) : [],
  };
  const user = leavers[0] ?? excluded[0] ?? member;
  const mapping = createMapping(plan, await catalogues.read(lytics, user.audiences, attempt.reading));
  const idFault = row && idFaultIn(row, uid, plan.job.config.gigya_id_field);
  return {
    profiles: Math.max(rows.length, found === 'unknown' ? 0 : 1),
    ...(idFault && { idFault }),
    membership: members.has(uid) ? 'member' : excluded.length > 0 ? 'excluded' : 'none',
    record: mapping.recordOf(user),
  };
}

function idFaultIn(row: Row, uid: string, field: string): IdFault | undefined {
  const { uids, imprecise } = uidsIn(row, field);
  if (uids.length > MOST_IDS_PER_ROW) return 'too_many';
  if (uids.includes(uid)) return undefined;
  return imprecise.length > 0 ? 'imprecise' : 'missing';
}
