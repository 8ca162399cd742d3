import pMap from 'p-map';
import type { Gigya } from '../gigya/client.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import type { Lytics } from '../lytics/client.ts';
import { createMapping, fieldsOf, type User } from '../mapping/mapping.ts';
import { includesAudience } from '../mapping/membership.ts';
import type { UserRecord } from '../record.ts';
import type { FailedRow } from '../rows.ts';
import { PROFILES_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import type { RecordedRow, Selected, SelectedRow } from './fetchRows.ts';
import { findUsers } from './findUsers.ts';
import { audienceOf, lookUpProfile, membershipIn } from './memberships.ts';
import type { Plan } from './preflight.ts';
import type { Unwritable } from './unwritable.ts';

export interface Retrying {
  lytics: Lytics;
  gigya: Gigya;
  plan: Plan;
  catalogues: Catalogues;
  attempt: Attempt;
  /** Receives those who still cannot be written. */
  unwritable: Unwritable;
}

/** The records of users who could not be written, by their present membership. Stale rows of a plan stay as they are. */
export async function selectFailed(
  rows: readonly RecordedRow<FailedRow>[],
  retrying: Retrying,
): Promise<Selected> {
  const { lytics, plan, catalogues, attempt, unwritable } = retrying;
  const open = rows.filter(
    ({ row: { status, errorCode } }) => status !== 'stale' && errorCode !== 'imprecise_id',
  );
  for (const { row, copies } of rows) {
    if (row.errorCode === 'imprecise_id') unwritable.add('imprecise_id', [row.identifier], copies);
  }
  const users = await findPresent(
    open.map(({ row }) => row.identifier),
    retrying,
  );
  const audience = await audienceOf(plan, lytics, catalogues, attempt);
  const names = new Set([...users.values()].flatMap(({ audiences }) => [...audiences]));
  const mapping = createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
  const selected = open.flatMap((recorded): SelectedRow[] => {
    const { row, position, copies } = recorded;
    const user = users.get(row.identifier);
    // A user whom Lytics does not find may be its fault: only one who had left already loses the audience.
    if (!user && row.operation !== 'remove') {
      unwritable.add('not_in_lytics', [row.identifier], copies);
      return [];
    }
    const present = user ?? { uid: row.identifier, row: undefined, audiences: [], memberOf: [] };
    const isMember = plan.audience.label === undefined || includesAudience(present.audiences, audience);
    const hasLeft = !isMember || mapping.isExcluded(present);
    return [{ record: mapping.recordOf(present), position, copies, isRemoval: hasLeft, hasLeft }];
  });
  if (plan.job.config.on_exit === 'update') {
    return { rows: await onlyCarriersLose(selected, retrying), kept: 0 };
  }
  const members = selected.filter(({ hasLeft }) => !hasLeft);
  const kept = selected.filter(({ hasLeft }) => hasLeft).reduce((sum, { copies }) => sum + copies, 0);
  return { rows: members, kept };
}

/** Users by UID, as Lytics knows them now. */
async function findPresent(
  uids: readonly string[],
  { lytics, plan, attempt }: Retrying,
): Promise<Map<string, User>> {
  const found = await findUsers(uids, undefined, { lytics, plan, attempt });
  const users = await pMap(
    uids,
    async (uid): Promise<User[]> => {
      const [row, ...others] = found?.get(uid) ?? [];
      const membership = row && others.length === 0 ? membershipIn(row, plan) : undefined;
      if (membership) return [{ uid, row, ...membership }];
      const profile = await lookUpProfile(lytics, uid, plan, attempt);
      return profile ? [{ uid, ...profile }] : [];
    },
    { concurrency: PROFILES_AT_ONCE, signal: attempt.signal },
  );
  return new Map(users.flat().map((user) => [user.uid, user]));
}

/** Someone who does not carry the audience cannot lose it: the guard counts those who do, or may. */
async function onlyCarriersLose(
  rows: SelectedRow[],
  { gigya, plan, attempt }: Retrying,
): Promise<SelectedRow[]> {
  const { config } = plan.job;
  const leaving = rows.filter(({ isRemoval }) => isRemoval).map(({ record }) => record);
  if (leaving.length === 0) return rows;
  const index = await openStorage(gigya, config, fieldsOf(config)).lookUp(
    leaving.map(({ uid }) => uid),
    attempt.reading,
  );
  const mayCarry = ({ uid }: UserRecord) => {
    if (!isQueryable(uid)) return true;
    const held = index.get(uid)?.[config.gigya_field];
    return Array.isArray(held) && held.some((entry) => entry === plan.audience.label);
  };
  return rows.map((row) => ({ ...row, isRemoval: row.isRemoval && mayCarry(row.record) }));
}
