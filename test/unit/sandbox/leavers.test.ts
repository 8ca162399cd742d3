import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf, rowsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 20, seed: 11, indexLagMs: 0 });
  calls = callsOf(sandbox);
});
afterEach(async () => {
  await sandbox.admin.patchAudience('vip', { isPublic: true });
  await clean();
});
afterAll(() => sandbox.stop());

const oid = 'audiences';
const dataStore = { storage: 'data_store', type: 'lytics' } as const;

const write = (uid: string, segments: readonly string[]) =>
  calls.gigya('accounts.setAccountInfo', { UID: uid, data: JSON.stringify({ lytics_segments: segments }) });
const store = (uid: string, segments: readonly string[]) => {
  const data = JSON.stringify({ lytics_segments: segments });
  return calls.gigya('ds.store', { type: 'lytics', oid, UID: uid, data, updateBehavior: 'arraySet' });
};

/** What every member should carry, in both storages. */
async function exportAll(): Promise<string[]> {
  const { expected } = await sandbox.admin.truth();
  for (const [uid, slugs] of Object.entries(expected)) {
    await write(uid, slugs);
    await store(uid, slugs);
  }
  return Object.keys(expected);
}

/** Nobody carries anything. */
async function clean(): Promise<void> {
  for (const [uid, { account, data_store }] of Object.entries(await sandbox.admin.state())) {
    if (account !== null) await write(uid, []);
    if (data_store.length > 0) await store(uid, []);
  }
}

const verdicts = async () => [await sandbox.admin.verify(), await sandbox.admin.verify(dataStore)];
/** The present membership of a UID, as an ad-hoc scan shows it. */
async function membership(uid: string): Promise<unknown> {
  const page = await calls.lytics('/api/segment/scan?table=user&limit=100', {
    method: 'POST',
    body: `FILTER gy_profile_id IN ("${uid}") FROM user`,
    headers: { 'content-type': 'text/plain' },
  });
  return rowsOf(page)[0]?.segments;
}

test('users who leave are extra in both storages until they are corrected', async () => {
  await exportAll();
  await sandbox.admin.leave(4);
  for (const { extra, stale, carriers, ok } of await verdicts()) {
    expect([extra.length, stale.length, carriers, ok]).toEqual([4, 4, 20, false]);
    for (const uid of extra) expect(await membership(uid)).not.toContain('vip');
  }
  for (const uid of (await sandbox.admin.verify()).extra) {
    const present = await membership(uid);
    if (!Array.isArray(present)) throw new Error(`no membership of ${uid}`);
    await write(uid, present);
    await store(uid, present);
  }
  for (const verdict of await verdicts())
    expect(verdict).toMatchObject({ extra: [], stale: [], missing: [], different: [], carriers: 16 });
  expect((await sandbox.admin.verify()).ok).toBe(true);
});

test('users who leave may stay in no audience but `all`', async () => {
  const before = await exportAll();
  await sandbox.admin.leave(3, 'vip', 'all_only');
  const { extra } = await sandbox.admin.verify();
  expect(extra.length).toBe(3);
  for (const uid of extra) {
    expect(before).toContain(uid);
    expect(await membership(uid)).toEqual([]);
    const [row] = await sandbox.admin.rows(uid);
    expect(row?.audiences).toHaveLength(1);
  }
});

test('users who are removed are unknown to Lytics, and their accounts stay', async () => {
  await exportAll();
  const members = (await sandbox.admin.truth()).rows;
  expect(await sandbox.admin.remove(2)).toBe(members - 2);
  const [account, objects] = await verdicts();
  expect(account?.extra.length).toBe(2);
  expect(objects?.extra).toEqual(account?.extra);
  for (const uid of account?.extra ?? []) {
    expect(await membership(uid)).toBeUndefined();
    const { body } = await calls.lytics(`/api/entity/user/gy_profile_id/${encodeURIComponent(uid)}`);
    expect(body).toMatchObject({ message: 'Not Found', data: { segments: ['not_found', 'all'] } });
    expect((await sandbox.admin.held(uid)).account).not.toBeNull();
  }
});

test('a user is removed with every profile of the UID', async () => {
  await sandbox.admin.addAudience({ slug: 'pair' });
  await sandbox.admin.putRows(
    { fields: { gy_profile_id: 'twice' }, audiences: ['pair'] },
    { fields: { gy_profile_id: ['twice', 'other'] } },
  );
  expect(await sandbox.admin.remove(1, 'pair')).toBe(0);
  expect(await sandbox.admin.rows('twice')).toEqual([]);
});

test.each([
  ['account', {}],
  ['data_store', dataStore],
] as const)('labels that something else wrote are extra: %s', async (storage, question) => {
  await sandbox.admin.clearJournal();
  const { type } = dataStore;
  const labelled = await sandbox.admin.addLabels({ storage, type, count: 5, oid });
  expect(labelled).toHaveLength(5);
  expect(await sandbox.admin.verify(question)).toMatchObject({ extra: labelled, carriers: 5 });
  expect((await sandbox.admin.verify()).damaged).toEqual([]);
  expect(await sandbox.admin.journal()).toEqual([]);
  const query = `SELECT UID FROM ${storage === 'account' ? 'accounts' : type} WHERE data.lytics_segments contains "vip"`;
  const found = await calls.gigya(storage === 'account' ? 'accounts.search' : 'ds.search', { query });
  expect(found.body.totalCount).toBe(5);

  const [member = ''] = Object.keys((await sandbox.admin.truth()).expected);
  expect(await sandbox.admin.addLabels({ storage, type, uids: [member], label: 'extra', oid })).toEqual([
    member,
  ]);
  expect((await sandbox.admin.verify(question)).different).toMatchObject([{ uid: member, held: ['extra'] }]);
});

test('a label that something else wrote does not hide damage', async () => {
  const [uid = ''] = Object.keys((await sandbox.admin.truth()).expected);
  await calls.gigya('accounts.setAccountInfo', { UID: uid, data: '{"newsletter":null}' });
  await sandbox.admin.addLabels({ uids: [uid], label: 'extra' });
  expect((await sandbox.admin.verify()).damaged).toEqual([uid]);
  await sandbox.admin.patchAccount(uid, {});
  expect((await sandbox.admin.verify()).damaged).toEqual([]);
});

test('closing the audience makes its label wrong for everyone', async () => {
  await exportAll();
  const { expected } = await sandbox.admin.verify();
  await sandbox.admin.patchAudience('vip', { isPublic: false });
  for (const verdict of await verdicts()) expect(verdict.different).toHaveLength(expected);
  expect((await sandbox.admin.verify({ audiences: 'all' })).different.length).toBe(expected);
});

test('a Data Store object without an account is an orphan, and extra where it carries the audience', async () => {
  await store('nobody', ['vip']);
  expect(await sandbox.admin.verify(dataStore)).toMatchObject({ orphans: ['nobody'], extra: ['nobody'] });
});

test('rows with very many UIDs, and equal rows without any identifier', async () => {
  const before = await sandbox.admin.truth();
  await sandbox.admin.population({ action: 'odd', count: 1, kinds: ['many_uids'] });
  const many = await sandbox.admin.truth();
  expect(Object.keys(many.expected).length).toBe(Object.keys(before.expected).length + 1000);
  await sandbox.admin.population({ action: 'odd', count: 3, kinds: ['nameless'] });
  const { rows, withoutId } = await sandbox.admin.truth();
  expect([rows, withoutId]).toEqual([many.rows + 3, many.withoutId + 3]);
  const page = await calls.lytics('/api/segment/vip/scan?limit=100');
  const nameless = rowsOf(page).filter(({ first_name }) => first_name === 'odd nameless');
  expect(nameless).toEqual(
    Array.from({ length: 3 }, () => ({ first_name: 'odd nameless', segments: ['vip'] })),
  );
});
