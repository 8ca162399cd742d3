import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, Settings } from '../../sandbox/client.ts';
import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import { openRows, readRowSet, type SealedRows } from '../../src/activities/rowSet.ts';
import type { FailedRow, RowKind, RowsByKind } from '../../src/rows.ts';
import { attemptOf } from '../support/activity.ts';
import {
  changedAuthorizations,
  failureOf,
  keyOf,
  openActivities,
  planOf,
  sealUsers,
} from '../support/activityRig.ts';
import { accountsHolding, type User, type Writing, writePage } from '../support/gigyaPage.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

const MIB = 1024 * 1024;
const method = 'accounts.setAccountInfo';
const AUDIENCES = Array.from({ length: 500 }, (_, n) => `an_audience_with_a_usual_name_${n}`);

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 5 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
});
afterAll(() => sandbox.stop());

const write = (users: readonly User[], writing?: Writing) => writePage(sandbox, users, writing);

async function rowsIn<Kind extends RowKind>(
  sealed: SealedRows | undefined,
  kind: Kind,
): Promise<RowsByKind[Kind][]> {
  const key = await keyOf(sandbox.authorizationsFile);
  const sets = await Promise.all((sealed?.[kind] ?? []).map((set) => openRows(set, key)));
  return sets.flatMap((set) => readRowSet(kind, JSON.parse(set)));
}

/** One call at a time, so that the order is known. */
async function oneByOne() {
  const authorizationsFile = await changedAuthorizations(sandbox, {
    gigya: { limits: { calls_per_second: 3_000, searches_per_second: 300, connections: 1 } },
  });
  return { authorizationsFile, activities: openActivities(authorizationsFile) };
}

const refuse = (uid: string, code: number) =>
  sandbox.admin.addFaults({
    match: { method, uid },
    action: { kind: 'gigya_error', code, message: 'Refused', details: `${uid} is wrong` },
  });

it('a user who failed in an attempt is in the result of the next, as the attempt reported it', async () => {
  const uids = await accountsHolding(sandbox, 'account', ['old'], ['old'], ['old'], ['old', 'vip']);
  const [first = '', , third = '', leaver = ''] = uids;
  const users = uids.map((uid): User => [uid, uid === leaver ? ['old'] : ['vip']]);
  await refuse(first, 400006);
  await refuse(third, 503001);
  await refuse(leaver, 413003);
  const interrupted = attemptOf();
  await failureOf(write(users, { attempt: interrupted }));
  const heartbeat = JSON.stringify(interrupted.heartbeats.at(-1));
  expect(uids.filter((uid) => heartbeat.includes(uid))).toEqual([]);

  await sandbox.admin.clearFaults();
  await refuse(third, 403005);
  const heartbeatDetails: unknown = JSON.parse(heartbeat);
  const written = await write(users, { info: { attempt: 2, heartbeatDetails } });
  expect(written).toMatchObject({ updated: 1, failed: 2, unknown_uid: 1 });
  const rows = await rowsIn(written.sealed, 'failed');
  expect(rows).toHaveLength(3);
  expect(rows).toEqual(
    expect.arrayContaining([
      row(first, 'add', 'rejected', '400006', 1),
      row(leaver, 'remove', 'rejected', '413003', 1),
      row(third, 'add', 'unknown_user', '403005', 2),
    ]),
  );
  const calls = new Map((await sandbox.admin.journal()).map(({ callId, uid }) => [callId, uid]));
  for (const { callId, identifier } of rows) expect(calls.get(callId ?? '')).toBe(identifier);
});

function row(
  identifier: string,
  operation: FailedRow['operation'],
  status: FailedRow['status'],
  errorCode: string,
  attempts: number,
): FailedRow {
  const statusMessage = `Refused: ${identifier} is wrong`;
  const [callId, attemptedAt] = [expect.any(String), expect.any(String)];
  return { identifier, operation, status, errorCode, statusMessage, attempts, callId, attemptedAt };
}

it('a failing page returns its rows with the failure', async () => {
  const uids = await accountsHolding(sandbox, 'account', ...Array(2).fill(['old']));
  const [first = '', second = ''] = uids;
  await refuse(first, 400006);
  await refuse(second, 400020);
  const readBack = { write: true, replacement: true };
  const users = uids.map((uid): User => [uid, ['vip']]);
  const activities = await oneByOne();
  const { type, details } = await failureOf(write(users, { readBack, ...activities }));
  expect(type).toBe('Configuration');
  const [written]: WrittenPage[] = Object(details);
  expect((await rowsIn(written?.sealed, 'failed')).map(({ identifier }) => identifier)).toEqual([first]);
});

it('unknown users of a preview and of the Data Store have the callId of the call that told', async () => {
  await sandbox.admin.clearJournal();
  for (const config of [{ dry_run: true }, { target_storage: 'data_store' as const }]) {
    const { sealed, unknown_uid } = await write([['nobody', ['vip']]], { plan: planOf(config) });
    expect(unknown_uid).toBe(1);
    expect(await rowsIn(sealed, 'failed')).toMatchObject([
      { identifier: 'nobody', status: 'unknown_user', errorCode: '403005', callId: expect.any(String) },
    ]);
  }
});

describe('1,000 users with UIDs of 256 bytes and 500 audiences', () => {
  let uids: string[];
  beforeAll(async () => {
    uids = Array.from({ length: 1_000 }, () => randomBytes(128).toString('hex'));
    for (let at = 0; at < uids.length; at += 50) {
      const some = uids.slice(at, at + 50);
      await sandbox.admin.putAccounts(
        ...some.map((uid) => ({ uid, data: { lytics_segments: someAudiences() } })),
      );
    }
  });
  const someAudiences = () => AUDIENCES.filter(() => Math.random() < 0.5);

  it('who all fail give no payload above 1 MiB', async () => {
    await sandbox.admin.addFaults({ match: { method }, action: { kind: 'gigya_error', code: 400006 } });
    const users = uids.map((uid): User => [uid, AUDIENCES]);
    // As late in a run, where the records rather than the settings must be wrong.
    const earlier = { handled: 10_000, failures: {} };
    const attempt = attemptOf();
    const { failed, sealed, rest } = await write(users, { earlier, attempt });
    expect([failed, rest]).toEqual([1_000, undefined]);
    expect((await rowsIn(sealed, 'failed')).map(({ identifier }) => identifier).sort()).toEqual(uids.sort());
    for (const payload of [sealed, ...attempt.heartbeats]) {
      expect(JSON.stringify(payload ?? null).length).toBeLessThan(MIB);
    }
  });

  it('who all change in a preview take several activities, and no payload above 1 MiB', async () => {
    const plan = planOf({ dry_run: true });
    const users = uids.map((uid): User => [uid, someAudiences()]);
    expect((await sealUsers(sandbox.authorizationsFile, users)).length).toBeLessThan(MIB);
    const found: string[] = [];
    const results: WrittenPage[] = [];
    let done: string | undefined;
    do {
      const written = await write(users, { plan, ...(done !== undefined && { done }) });
      expect(JSON.stringify(written).length).toBeLessThan(MIB);
      found.push(...(await rowsIn(written.sealed, 'changed')).map(({ uid }) => uid));
      results.push(written);
      done = written.rest;
    } while (done !== undefined);
    expect(results.length).toBeGreaterThan(1);
    expect(results.reduce((sum, { updated }) => sum + updated, 0)).toBe(1_000);
    expect(found.sort()).toEqual(uids.sort());
  });
});
