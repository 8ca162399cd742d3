import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultInput, Sandbox, Settings } from '../../sandbox/client.ts';
import { attemptOf } from '../support/activity.ts';
import {
  changedAuthorizations,
  failureOf,
  openActivities,
  planOf,
  sealUsers,
} from '../support/activityRig.ts';
import { accountsHolding, heldBy, type User, type Writing, writePage } from '../support/gigyaPage.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 5 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
  await sandbox.admin.clearJournal();
});
afterAll(() => sandbox.stop());

const write = (users: readonly User[], writing?: Writing) => writePage(sandbox, users, writing);
const fault = (rule: FaultInput) => sandbox.admin.addFaults(rule);
/** Who was written, in order. */
const writtenTo = async () =>
  (await sandbox.admin.journal()).filter(({ applied }) => applied).map(({ uid }) => uid);
const strangers = (count: number, name: string) => Array.from({ length: count }, (_, n) => `${name}-${n}`);

describe.each([
  ['account', 'accounts.setAccountInfo', {}],
  ['data_store', 'ds.store', { type: 'lytics', oid: 'lytics' }],
] as const)('in the storage %s, a page', (storage, method, where) => {
  const plan = planOf({ target_storage: storage });
  const holding = (...values: unknown[]) => accountsHolding(sandbox, storage, ...values);
  const held = (uid = '') => heldBy(sandbox, storage, uid);

  it('is written only where Gigya holds a different value', async () => {
    const [equal = '', other = '', none = '', order = '', fewer = ''] = await holding(
      ['vip', 'new'],
      ['old'],
      undefined,
      ['new', 'vip'],
      ['vip'],
    );
    const audiences = ['new', 'vip'];
    const users = [equal, other, none, order, fewer].map((uid): User => [uid, audiences]);
    expect(await write(users, { plan })).toEqual({
      updated: 3,
      unchanged: 2,
      unknown_uid: 0,
      failed: 0,
      failures: {},
      carrying: 5,
      readBack: { write: true, replacement: true },
      stopped: false,
    });
    const journal = await sandbox.admin.journal();
    expect(new Set(journal.map(({ uid }) => uid))).toEqual(new Set([other, none, fewer]));
    for (const entry of journal)
      expect(entry).toMatchObject({ method, ...where, data: { lytics_segments: audiences }, applied: true });
    for (const uid of [other, none, fewer]) expect(await held(uid)).toEqual(audiences);
  });

  it('leaves all other data of an account unchanged', async () => {
    const [uid = ''] = await holding(['old']);
    await write([[uid, ['vip']]], { plan });
    expect((await sandbox.admin.account(uid)).data).toEqual({
      shop: 'Graz',
      ...(storage === 'account' && { lytics_segments: ['vip'] }),
    });
  });

  it('is written once when it is sent twice', async () => {
    const uids = await holding(undefined, ['old']);
    const users = uids.map((uid): User => [uid, ['vip']]);
    expect(await write(users, { plan })).toMatchObject({ updated: 2, unchanged: 0 });
    await sandbox.admin.clearJournal();
    expect(await write(users, { plan })).toMatchObject({ updated: 0, unchanged: 2 });
    expect(await sandbox.admin.journal()).toEqual([]);
  });

  it('may clear a list, and treats an absent list as empty', async () => {
    const [full = '', none = ''] = await holding(['old'], undefined);
    const users: User[] = [
      [full, []],
      [none, []],
    ];
    expect(await write(users, { plan })).toMatchObject({ updated: 1, unchanged: 1, carrying: 0 });
    expect(await held(full)).toEqual([]);
    expect(await write(users, { plan })).toMatchObject({ updated: 0, unchanged: 2 });
  });

  it('counts a UID that Gigya does not know, and creates no account for it', async () => {
    const [known = ''] = await holding(['old']);
    const written = await write(
      [
        ['nobody', ['vip']],
        [known, ['vip']],
      ],
      { plan },
    );
    expect(written).toMatchObject({ updated: 1, unknown_uid: 1, failed: 0, carrying: 1 });
    expect(await sandbox.admin.held('nobody')).toMatchObject({ account: null, objects: [] });
  });

  it('reaches an account that the search does not find yet', async () => {
    await sandbox.admin.patchSettings({ gigya: { indexLagMs: 600_000 } });
    const [young = ''] = await holding(undefined);
    expect(await write([[young, ['vip']]], { plan })).toMatchObject({ updated: 1, unknown_uid: 0 });
    expect(await held(young)).toEqual(['vip']);
  });

  it('reaches UIDs that a query cannot contain, and compares them before writing', async () => {
    const odd = ['a"b\\c', 'quote" or UID != "', 'tab\tline\n', 'x'.repeat(1_500)].map(
      (uid) => uid + storage,
    );
    await sandbox.admin.putAccounts(...odd.map((uid) => ({ uid })));
    const users = odd.map((uid): User => [uid, ['vip']]);
    expect(await write(users, { plan })).toMatchObject({ updated: 4, unknown_uid: 0 });
    expect(await write(users, { plan })).toMatchObject({ updated: 0, unchanged: 4 });
    expect(await writtenTo()).toHaveLength(4);
    for (const uid of odd) expect(await held(uid)).toEqual(['vip']);
  });

  it('reaches UIDs in any script and with characters that are special in a form', async () => {
    const odd = ['Žluťoučký-кот-猫-🎿', 'with space+plus&amp=%20', '_guid_abc+/=', "O'Neill", '00123'].map(
      (uid) => uid + storage,
    );
    await sandbox.admin.putAccounts(...odd.map((uid) => ({ uid })));
    const users = odd.map((uid): User => [uid, ['Café & Kuchen', 'The "Gold" members']]);
    const signed = planOf({ target_storage: storage });
    signed.job.auth_ids = ['lytics', 'gigya-signature'];
    expect(await write(users, { plan: signed })).toMatchObject({ updated: 5, failed: 0 });
    for (const uid of odd) expect(await held(uid)).toEqual(['Café & Kuchen', 'The "Gold" members']);
  });

  it('counts a user on several rows as updated once and as unchanged for the other rows', async () => {
    const [changed = '', equal = ''] = await holding(['old'], ['vip']);
    const users: User[] = [
      [changed, ['vip'], 3],
      [equal, ['vip'], 2],
      ['nobody', ['vip'], 4],
    ];
    expect(await write(users, { plan })).toMatchObject({
      updated: 1,
      unchanged: 4,
      unknown_uid: 4,
      carrying: 2,
    });
  });

  it('of a preview writes nothing and counts what it would write', async () => {
    const [equal = '', other = '', none = ''] = await holding(['vip'], ['old'], undefined);
    const preview = planOf({ target_storage: storage, dry_run: true });
    const users = [equal, other, none, 'nobody', 'no"body'].map((uid): User => [uid, ['vip']]);
    expect(await write(users, { plan: preview })).toMatchObject({
      updated: 2,
      unchanged: 1,
      unknown_uid: 2,
      readBack: { write: false, replacement: false },
    });
    expect(await sandbox.admin.journal()).toEqual([]);
    expect(await held(other)).toEqual(['old']);
  });

  it('counts the users who now carry the exported audience', async () => {
    const uids = await holding(undefined, ['vip'], undefined);
    const [a = '', b = '', c = ''] = uids;
    const users: User[] = [
      [a, ['vip', 'new']],
      [b, ['vip']],
      [c, ['new']],
    ];
    expect((await write(users, { plan })).carrying).toBe(2);
    const closed = planOf({ target_storage: storage });
    delete closed.audience.label;
    expect((await write(users, { plan: closed })).carrying).toBe(0);
  });

  it('fails with the code only for the record that Gigya refuses', async () => {
    const [one = '', bad = '', two = ''] = await holding(undefined, undefined, ['old']);
    await fault({ match: { method, uid: bad }, action: { kind: 'gigya_error', code: 400006 } });
    const users: User[] = [
      [one, ['vip']],
      [bad, ['vip'], 2],
      [two, ['vip']],
    ];
    expect(await write(users, { plan })).toMatchObject({ updated: 2, failed: 2, failures: { '400006': 2 } });
  });

  it('ends the run on a configuration fault', async () => {
    const uids = await holding(...Array(30).fill(undefined));
    await fault({ match: { method, after: 5 }, action: { kind: 'gigya_error', code: 403007 } });
    const failure = await failureOf(
      write(
        uids.map((uid): User => [uid, ['vip']]),
        { plan },
      ),
    );
    expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
    expect(failure.message).toContain('give gigya.user_key accounts.*');
    expect(await writtenTo()).toHaveLength(5);
  });

  it('waits for the rate limit, however often it is refused', async () => {
    const uids = await holding(...Array(10).fill(undefined));
    await fault({ match: { provider: 'gigya' }, rate: 0.5, action: { kind: 'gigya_error', code: 403048 } });
    const users = uids.map((uid): User => [uid, ['vip']]);
    expect(await write(users, { plan })).toMatchObject({ updated: 10, failed: 0 });
  });
});

describe('a write that Gigya finds redundant (403200)', () => {
  it('counts the user as unchanged', async () => {
    const [uid = ''] = await accountsHolding(sandbox, 'account', ['old']);
    await fault({
      match: { method: 'accounts.setAccountInfo' },
      action: { kind: 'gigya_error', code: 403200 },
    });
    expect(await write([[uid, ['vip']]])).toMatchObject({ updated: 0, unchanged: 1, failed: 0 });
  });
});

describe('a search that Gigya refuses', () => {
  it.each([400006, 403005])('(%i) is ignored, and every user is written', async (code) => {
    const uids = await accountsHolding(sandbox, 'account', ['vip'], ['old']);
    await fault({ match: { method: 'accounts.search' }, action: { kind: 'gigya_error', code } });
    expect(await write(uids.map((uid): User => [uid, ['vip']]))).toMatchObject({ updated: 2, failed: 0 });
  });
});

describe('the first writes are read back', () => {
  const reads = async () => (await sandbox.admin.stats()).calls['accounts.getAccountInfo']?.['0'] ?? 0;

  it('and a site that appends to arrays fails the run at the first write, with the fix', async () => {
    await sandbox.admin.patchSettings({ gigya: { arrays: 'append' } });
    const uids = await accountsHolding(sandbox, 'account', ...Array(30).fill(['old', 'older']));
    const failure = await failureOf(write(uids.map((uid): User => [uid, ['vip']])));
    expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
    expect(failure.message).toBe(
      'Gigya returned 3 values in data.lytics_segments after writing 1 value: the field appends instead of replacing, or something else writes it. Nothing more is written; declare another field and name it in config.gigya_field or config.mappings',
    );
    expect(await writtenTo()).toHaveLength(1);
  });

  it('starting with those that replace other audiences, because only they detect appending', async () => {
    await sandbox.admin.patchSettings({ gigya: { arrays: 'append' } });
    const uids = await accountsHolding(sandbox, 'account', ...Array(20).fill(undefined), ['old']);
    await failureOf(write(uids.map((uid): User => [uid, ['vip']])));
    expect(await writtenTo()).toEqual([uids.at(-1)]);
  });

  it('also in a later page, when no earlier write replaced other audiences', async () => {
    await sandbox.admin.patchSettings({ gigya: { arrays: 'append' } });
    const empty = await accountsHolding(sandbox, 'account', undefined, undefined);
    const { readBack } = await write(empty.map((uid): User => [uid, ['vip']]));
    expect(readBack).toEqual({ write: true, replacement: false });
    const full = await accountsHolding(sandbox, 'account', undefined, ['old']);
    const failure = await failureOf(
      write(
        full.map((uid): User => [uid, ['vip']]),
        { readBack },
      ),
    );
    expect(failure.type).toBe('Configuration');
    expect(await writtenTo()).toEqual([full[1]]);
  });

  it('once per run, and no later write is read back', async () => {
    await sandbox.admin.clearStats();
    const uids = await accountsHolding(sandbox, 'account', ...Array(20).fill(['old']));
    const users = uids.map((uid): User => [uid, ['vip']]);
    const { readBack } = await write(users);
    expect(readBack).toEqual({ write: true, replacement: true });
    expect(await reads()).toBe(1);
    const others = await accountsHolding(sandbox, 'account', ...Array(20).fill(['old']));
    await write(
      others.map((uid): User => [uid, ['vip']]),
      { readBack },
    );
    expect(await reads()).toBe(1);
  });

  it('of another user when the first is refused', async () => {
    const [bad = '', good = ''] = await accountsHolding(sandbox, 'account', ['old'], ['old']);
    await fault({
      match: { method: 'accounts.setAccountInfo', uid: bad },
      action: { kind: 'gigya_error', code: 400009 },
    });
    const users: User[] = [
      [bad, ['vip']],
      [good, ['vip']],
    ];
    expect(await write(users)).toMatchObject({
      updated: 1,
      failed: 1,
      readBack: { write: true, replacement: true },
    });
  });

  it('and a site that drops empty arrays does not fail', async () => {
    await sandbox.admin.patchSettings({ gigya: { emptyArrays: 'absent' } });
    const [uid = ''] = await accountsHolding(sandbox, 'account', ['old']);
    expect(await write([[uid, []]])).toMatchObject({
      updated: 1,
      readBack: { write: true, replacement: true },
    });
  });
});

describe('a failure of nearly all of the first users', () => {
  it('ends the run, because unknown UIDs indicate the wrong field or site', async () => {
    const users = strangers(150, 'nobody').map((uid): User => [uid, ['vip']]);
    const failure = await failureOf(write(users));
    expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
    expect(failure.message).toBe(
      '100 of the first 100 users failed with unknown_uid; Gigya has no full accounts with these UIDs: check config.gigya_id_field and that the authorization is for the right site, or set config.lite_accounts if the audience is mostly lite accounts',
    );
  });

  it('ends the run, across several pages and for any error code', async () => {
    const uids = await accountsHolding(sandbox, 'account', ...Array(20).fill(undefined));
    await fault({
      match: { method: 'accounts.setAccountInfo' },
      action: { kind: 'gigya_error', code: 400009 },
    });
    const users = uids.map((uid): User => [uid, ['vip']]);
    const earlier = { handled: 90, failures: { '400009': 88, unknown_uid: 2 } };
    const failure = await failureOf(write(users, { earlier }));
    expect(failure.message).toBe(
      '98 of the first 100 users failed with 400009; see 400009 in Gigya\'s "Response Codes and Errors"',
    );
  });

  it('does not end the run when the audience is expected to hold lite accounts', async () => {
    const users = strangers(150, 'lite').map((uid): User => [uid, ['vip']]);
    expect(await write(users, { plan: planOf({ lite_accounts: true }) })).toMatchObject({ unknown_uid: 150 });
  });

  it('is ignored when some users succeeded', async () => {
    const known = await accountsHolding(sandbox, 'account', ...Array(10).fill(undefined));
    const users = [...known, ...strangers(110, 'other')].map((uid): User => [uid, ['vip']]);
    expect(await write(users)).toMatchObject({ updated: 10, unknown_uid: 110 });
  });

  it('is ignored when it occurs late', async () => {
    const users = strangers(150, 'late').map((uid): User => [uid, ['vip']]);
    const earlier = { handled: 5_000, failures: { unknown_uid: 10 } };
    expect(await write(users, { earlier })).toMatchObject({ unknown_uid: 150 });
  });
});

describe('a page that was sealed with another secret', () => {
  it('fails with its own type and writes nothing', async () => {
    const [uid = ''] = await accountsHolding(sandbox, 'account', ['old']);
    const rotated = await changedAuthorizations(sandbox, { gigya: { secret_key: 'b2xk' } });
    const page = await sealUsers(rotated, [[uid, ['vip']]]);
    const { updateGigya } = openActivities(sandbox.authorizationsFile);
    const failure = await failureOf(
      attemptOf().run(updateGigya, {
        plan: planOf(),
        page,
        readBack: { write: false, replacement: false },
        earlier: { handled: 0, failures: {} },
        isSettled: true,
      }),
    );
    expect(failure).toMatchObject({ type: 'SealBroken', nonRetryable: true });
    expect(await sandbox.admin.journal()).toEqual([]);
  });
});
