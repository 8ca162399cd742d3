import { CancelledFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FaultInput, Sandbox, Settings } from '../../sandbox/client.ts';
import type { GigyaObserver } from '../../src/gigya/client.ts';
import { attemptOf } from '../support/activity.ts';
import { changedAuthorizations, failureOf, openActivities, planOf } from '../support/activityRig.ts';
import { accountsHolding, type User, type Writing, writePage } from '../support/gigyaPage.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 5 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  vi.useRealTimers();
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
  await sandbox.admin.clearJournal();
});
afterAll(() => sandbox.stop());

const method = 'accounts.setAccountInfo';
const write = (users: readonly User[], writing?: Writing) => writePage(sandbox, users, writing);
const fault = (rule: FaultInput) => sandbox.admin.addFaults(rule);
const writtenTo = async () =>
  (await sandbox.admin.journal()).filter(({ applied }) => applied).map(({ uid }) => uid);

async function usersHolding(...holding: unknown[]): Promise<User[]> {
  const uids = await accountsHolding(sandbox, 'account', ...holding);
  return uids.map((uid) => [uid, ['vip']]);
}

/** Writes one user after the other, so that it can be said where it stops. */
async function oneByOne(gigyaObserver: GigyaObserver = {}) {
  const authorizationsFile = await changedAuthorizations(sandbox, {
    gigya: { limits: { calls_per_second: 3_000, searches_per_second: 300, connections: 1 } },
  });
  return { authorizationsFile, activities: openActivities(authorizationsFile, { gigyaObserver }) };
}

/** As details come back from the server. */
const sent = (details: unknown): unknown => JSON.parse(JSON.stringify(details));

describe('an attempt after an interrupted one', () => {
  it('continues with the users who are not done, and counts every user once', async () => {
    const users = await usersHolding(...Array(40).fill(['old']));
    // The search tells nothing of what was written meanwhile: only what was handed on can keep it from being written again.
    await sandbox.admin.patchSettings({ gigya: { indexLagMs: 600_000 } });
    await fault({ match: { method, after: 15 }, action: { kind: 'gigya_error', code: 503001 } });
    const first = attemptOf();
    expect(await failureOf(write(users, { attempt: first }))).toMatchObject({
      type: 'Gigya',
      nonRetryable: false,
    });
    expect(await writtenTo()).toHaveLength(15);

    await sandbox.admin.clearFaults();
    const heartbeatDetails = sent(first.heartbeats.at(-1));
    const written = await write(users, { info: { attempt: 2, heartbeatDetails } });
    expect(written).toMatchObject({ updated: 40, unchanged: 0, failed: 0, carrying: 40 });
    const uids = await writtenTo();
    expect(uids).toHaveLength(40);
    expect(new Set(uids)).toEqual(new Set(users.map(([uid]) => uid)));
  });

  it('neither looks up nor reads back users who are done', async () => {
    const users = await usersHolding(['old'], ['vip'], undefined);
    const { readBack } = await write(users);
    // It was done in less than a second, before a heartbeat. What a later one would contain:
    const heartbeatDetails = {
      readBack,
      updated: 2,
      unchanged: 1,
      unknown_uid: 0,
      failed: 0,
      failures: {},
      carrying: 3,
      stopped: false,
      canary: 2,
      done: Buffer.from([0b111]).toString('base64'),
    };
    await sandbox.admin.clearStats();
    const written = await write(users, { info: { attempt: 2, heartbeatDetails } });
    expect(written).toMatchObject({ updated: 2, unchanged: 1, carrying: 3 });
    expect((await sandbox.admin.stats()).calls).toEqual({});
  });

  it('starts from the beginning when the previous attempt left no valid state', async () => {
    for (const heartbeatDetails of [undefined, null, 'x', { done: 5 }, { updated: 3 }]) {
      const users = await usersHolding(['old'], undefined);
      expect(await write(users, { info: { attempt: 2, heartbeatDetails } })).toMatchObject({ updated: 2 });
    }
  });

  it('knows what the previous attempt had read back', async () => {
    const users = await usersHolding(...Array(10).fill(['old']));
    await fault({ match: { method, after: 3 }, action: { kind: 'gigya_error', code: 503001 } });
    const first = attemptOf();
    await failureOf(write(users, { attempt: first }));
    await sandbox.admin.clearFaults();
    await sandbox.admin.clearStats();
    const heartbeatDetails = sent(first.heartbeats.at(-1));
    const { readBack } = await write(users, { info: { attempt: 2, heartbeatDetails } });
    expect(readBack).toEqual({ write: true, replacement: true });
    expect((await sandbox.admin.stats()).calls['accounts.getAccountInfo']).toBeUndefined();
  });

  it('passes on no user data', async () => {
    const users = await usersHolding(...Array(30).fill(['old']));
    await fault({ match: { method, after: 25 }, action: { kind: 'gigya_error', code: 503001 } });
    const attempt = attemptOf();
    await failureOf(write(users, { attempt }));
    const told = JSON.stringify(attempt.heartbeats);
    for (const [uid] of users) expect(told).not.toContain(uid);
    // A bit a user.
    expect(JSON.stringify(attempt.heartbeats.at(-1)).length).toBeLessThan(300);
  });
});

describe('an attempt of a run that is cancelled', () => {
  it('stops after the current user and reports what was done so far', async () => {
    const users = await usersHolding(...Array(20).fill(undefined));
    const attempt = attemptOf();
    let answered = 0;
    const onCall = (called: string) => {
      if (called === method && ++answered === 6) attempt.cancel();
    };
    const written = await write(users, { attempt, ...(await oneByOne({ onCall })) });
    expect(written).toMatchObject({ stopped: true, unchanged: 0, failed: 0 });
    expect(await writtenTo()).toHaveLength(6);
    // The one that was being answered may be written without being counted.
    expect([5, 6]).toContain(written.updated);
  });

  it('before its start writes nothing', async () => {
    const users = await usersHolding(['old']);
    const attempt = attemptOf();
    attempt.cancel();
    await expect(write(users, { attempt })).rejects.toBeInstanceOf(CancelledFailure);
    expect(await writtenTo()).toEqual([]);
  });

  it('while it waits for the rate limit stops waiting', async () => {
    const users = await usersHolding(...Array(3).fill(undefined));
    const attempt = attemptOf();
    await fault({ match: { method }, action: { kind: 'gigya_error', code: 403048 } });
    let refused = 0;
    const onRate = () => {
      if (++refused === 5) attempt.cancel();
    };
    const written = await write(users, { attempt, ...(await oneByOne({ onRate })) });
    expect(written).toMatchObject({ stopped: true, updated: 0 });
  });
});

describe('an attempt that was frozen', () => {
  /** Moves the clock when the search has been answered, before anything is written. */
  async function frozenFor(ms: number, info: Writing['info'] = {}) {
    const users = await usersHolding(['old'], undefined);
    vi.useFakeTimers({ toFake: ['Date'] });
    const onCall = (called: string) => {
      if (called === 'accounts.search') vi.setSystemTime(Date.now() + ms);
    };
    const running = write(users, {
      info: { ...info },
      activities: openActivities(sandbox.authorizationsFile, { gigyaObserver: { onCall } }),
    });
    return { users, running };
  }

  it('for longer than its heartbeat timeout stops writing, because another attempt may be running', async () => {
    const { running } = await frozenFor(8_500);
    expect(await failureOf(running)).toMatchObject({
      type: 'AttemptOver',
      nonRetryable: false,
      nextRetryDelay: '1 s',
      message:
        'This attempt lost its lease (process paused or Temporal unreachable); the next attempt continues',
    });
    expect(await sandbox.admin.journal()).toEqual([]);
  });

  it('beyond its time limit stops writing', async () => {
    const { running } = await frozenFor(598_500, { heartbeatTimeoutMs: 3_600_000 });
    expect(await failureOf(running)).toMatchObject({
      type: 'AttemptOver',
      message: 'This attempt reached its time limit; the next attempt continues',
    });
    expect(await sandbox.admin.journal()).toEqual([]);
  });

  it('for a shorter time continues', async () => {
    const { running } = await frozenFor(7_000);
    expect(await running).toMatchObject({ updated: 2 });
  });

  it('writes nothing on a retry of a call either', async () => {
    const [user] = await usersHolding(['old']);
    if (!user) throw new Error('There is no user');
    vi.useFakeTimers({ toFake: ['Date'] });
    await fault({ match: { method }, times: 1, action: { kind: 'gigya_error', code: 500001 } });
    const onCall = (called: string) => {
      if (called === method) vi.setSystemTime(Date.now() + 9_000);
    };
    const activities = openActivities(sandbox.authorizationsFile, { gigyaObserver: { onCall } });
    expect(await failureOf(write([user], { activities }))).toMatchObject({ type: 'AttemptOver' });
    expect(await writtenTo()).toEqual([]);
  });
});

describe('a user who gets no answer', () => {
  const poison = (uid: string) =>
    fault({ match: { method, uid }, action: { kind: 'gigya_error', code: 500028 } });

  it('does not delay other users and is left to the next attempt', async () => {
    const users = await usersHolding(...Array(10).fill(undefined));
    const [bad = ''] = users[4] ?? [];
    await poison(bad);
    const attempt = attemptOf({ attempt: 4 });
    expect(await failureOf(write(users, { attempt }))).toMatchObject({ type: 'Gigya', nonRetryable: false });
    expect(await writtenTo()).toHaveLength(9);
    expect(attempt.heartbeats.at(-1)).toMatchObject({ updated: 9, failed: 0 });
  });

  it('fails after a few attempts if a user who was written can still be written', async () => {
    const users = await usersHolding(...Array(10).fill(undefined));
    const [bad = ''] = users[4] ?? [];
    await poison(bad);
    const written = await write(users, { info: { attempt: 5 } });
    expect(written).toMatchObject({ updated: 9, failed: 1, failures: { '500028': 1 } });
  });

  it("fails with the project's own code when the socket is closed", async () => {
    const users = await usersHolding(undefined, undefined);
    const [bad = ''] = users[1] ?? [];
    await fault({ match: { method, uid: bad }, action: { kind: 'cut' } });
    expect(await write(users, { info: { attempt: 5 } })).toMatchObject({ failures: { no_answer: 1 } });
  });

  it('does not fail while no other user gets one', async () => {
    const users = await usersHolding(undefined, undefined);
    await fault({ match: { method }, action: { kind: 'gigya_error', code: 500001 } });
    const failure = await failureOf(write(users, { info: { attempt: 50 } }));
    expect(failure).toMatchObject({ type: 'Gigya', nonRetryable: false });
  });

  it('does not fail when the others were done long ago and now get none', async () => {
    const users = await usersHolding(['vip'], undefined);
    // Who is unchanged needs no write; that it still can be written is asked first.
    await fault({ match: { method }, action: { kind: 'gigya_error', code: 500001 } });
    const failure = await failureOf(write(users, { info: { attempt: 50 } }));
    expect(failure).toMatchObject({ type: 'Gigya', nonRetryable: false });
  });

  it('does not fail when others get one only occasionally', async () => {
    const users = await usersHolding(['vip'], undefined);
    const [[good] = [''], [bad] = ['']] = users;
    await fault({ match: { method, uid: bad }, action: { kind: 'gigya_error', code: 500001 } });
    await fault({ match: { method, uid: good, after: 1 }, action: { kind: 'gigya_error', code: 500001 } });
    const failure = await failureOf(write(users, { info: { attempt: 50 } }));
    expect(failure).toMatchObject({ type: 'Gigya', nonRetryable: false });
  });

  it('after twenty in a row indicates an outage, which ends the attempt immediately', async () => {
    const users = await usersHolding(...Array(60).fill(undefined));
    await fault({ match: { method }, action: { kind: 'gigya_error', code: 503001 } });
    const failure = await failureOf(write(users, await oneByOne()));
    expect(failure).toMatchObject({ type: 'Gigya', nonRetryable: false, nextRetryDelay: 60_000 });
    expect(await sandbox.admin.journal()).toHaveLength(20);
  });
});

describe('a write whose answer is lost', () => {
  it.each(['cut', 'html'] as const)('(%s) is sent again without effect', async (kind) => {
    const users = await usersHolding(['old'], undefined, ['older']);
    await fault({ match: { method }, times: 3, action: { kind, applied: true } });
    expect(await write(users)).toMatchObject({ updated: 3, failed: 0 });
    for (const [uid] of users)
      expect((await sandbox.admin.account(uid)).data['lytics_segments']).toEqual(['vip']);
  });
});

describe('every second', () => {
  it('the server is told which users are done', async () => {
    const users = await usersHolding(...Array(6).fill(undefined));
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const attempt = attemptOf();
    let answered = 0;
    const onCall = (called: string) => {
      if (called === method && ++answered % 3 === 0) vi.advanceTimersByTime(1_000);
    };
    await write(users, { attempt, ...(await oneByOne({ onCall })) });
    // The one that is being answered is not done yet.
    expect(attempt.heartbeats).toMatchObject([
      { updated: 0, done: '' },
      { updated: 2, done: Buffer.from([0b11]).toString('base64') },
      { updated: 5, done: Buffer.from([0b11111]).toString('base64') },
    ]);
  });
});

describe('a preview', () => {
  it('checks by reading, not by writing, whether the service is unavailable', async () => {
    const users = await usersHolding(['old'], undefined);
    await fault({
      match: { method: 'accounts.getAccountInfo', uid: 'a"b' },
      action: { kind: 'gigya_error', code: 500001 },
    });
    const plan = planOf({ dry_run: true });
    const written = await write([...users, ['a"b', ['vip']]], { plan, info: { attempt: 5 } });
    expect(written).toMatchObject({ updated: 2, failed: 1 });
    expect(await sandbox.admin.journal()).toEqual([]);
  });
});
