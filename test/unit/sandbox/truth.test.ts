import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { oddKinds } from '../../../sandbox/population/odd.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 60, seed: 11 });
  calls = callsOf(sandbox);
});
afterAll(() => sandbox.stop());

const write = (uid: string, segments: readonly string[]) =>
  calls.gigya('accounts.setAccountInfo', { UID: uid, data: JSON.stringify({ lytics_segments: segments }) });

async function exportAll() {
  for (const [uid, slugs] of Object.entries((await sandbox.admin.truth()).expected))
    await write(uid, [...slugs].reverse());
}

test('the same seed creates the same users', async () => {
  const twin = await startSandbox({ users: 60, seed: 11 });
  expect(await twin.admin.truth()).toEqual(await sandbox.admin.truth());
  await twin.admin.enter(5);
  await twin.admin.change(5);
  expect(await twin.admin.truth()).not.toEqual(await sandbox.admin.truth());
  await twin.stop();
});

test('verify reports exact, missing, different, extra and damaged', async () => {
  expect(await sandbox.admin.verify()).toMatchObject({ expected: 60, exact: 0, ok: false });
  await exportAll();
  expect(await sandbox.admin.verify()).toMatchObject({ expected: 60, exact: 60, missing: [], ok: true });

  const [[one = '', slugs = []] = [], [two = ''] = [], [three = ''] = []] = Object.entries(
    (await sandbox.admin.truth()).expected,
  );
  await write(one, [...slugs, slugs[0] ?? '']);
  await write(two, []);
  await calls.gigya('accounts.setAccountInfo', { UID: three, data: '{"newsletter":null}' });
  expect(await sandbox.admin.verify()).toMatchObject({
    exact: 58,
    different: [{ uid: one }],
    missing: [two],
    damaged: [three],
    ok: false,
  });
  await exportAll();
});

test('users who leave and still carry the audience are extra; users who enter are missing', async () => {
  expect(await sandbox.admin.leave(4)).toBe(56);
  expect((await sandbox.admin.verify()).extra.length).toBe(4);
  expect(await sandbox.admin.enter(10)).toBe(66);
  const { expected, missing, different } = await sandbox.admin.verify();
  expect(expected).toBe(66);
  expect(missing.length + different.length).toBeGreaterThanOrEqual(6);
});

test('users who change are different', async () => {
  await exportAll();
  const { expected: members } = await sandbox.admin.verify();
  await sandbox.admin.change(7);
  expect(await sandbox.admin.verify()).toMatchObject({ exact: members - 7, missing: [] });
  expect((await sandbox.admin.verify()).different.length).toBe(7);
});

test('by id, by name, of all audiences; an audience closed or deleted', async () => {
  const byName = await sandbox.admin.truth({ format: 'name' });
  expect(Object.values(byName.expected).every((names) => names.includes('VIP customers'))).toBe(true);
  await sandbox.admin.patchAudience('vip', { isPublic: false });
  expect(Object.values((await sandbox.admin.truth()).expected).flat()).not.toContain('vip');
  expect(Object.values((await sandbox.admin.truth({ audiences: 'all' })).expected).flat()).toContain('vip');
  await sandbox.admin.patchAudience('vip', { isPublic: true });
  await sandbox.admin.removeAudience('cafe_kuchen');
  expect(Object.values((await sandbox.admin.truth()).expected).flat()).not.toContain('cafe_kuchen');
  await expect(sandbox.admin.truth({ audience: 'nobody' })).rejects.toThrow('404');
});

test('the Data Store is verified separately, and an object without an account is an orphan', async () => {
  const question = { storage: 'data_store', type: 'lytics' } as const;
  const { expected } = await sandbox.admin.truth();
  for (const [uid, slugs] of Object.entries(expected))
    await calls.gigya('ds.store', {
      type: 'lytics',
      oid: 'audiences',
      UID: uid,
      data: JSON.stringify({ lytics_segments: slugs }),
    });
  const verdict = await sandbox.admin.verify(question);
  expect(verdict).toMatchObject({
    exact: Object.keys(expected).length,
    missing: [],
    different: [],
    orphans: [],
  });
  await calls.gigya('ds.store', {
    type: 'lytics',
    oid: 'audiences',
    UID: 'nobody',
    data: '{"lytics_segments":[]}',
  });
  expect((await sandbox.admin.verify(question)).orphans).toEqual(['nobody']);
});

test('odd rows of every kind', async () => {
  const before = await sandbox.admin.truth();
  await sandbox.admin.population({ action: 'odd', count: 1 });
  const odd = await sandbox.admin.truth();
  expect(odd.rows - before.rows).toBe(oddKinds.length);
  expect(odd.withoutId - before.withoutId).toBe(3);
  // A 300 byte ID, a stranger, and the one that shares a row with a real one.
  expect(odd.strangers.length - before.strangers.length).toBe(3);
  const uids = Object.keys(odd.expected);
  expect(uids.some((uid) => uid.includes('"') && uid.includes('\\'))).toBe(true);
  expect(uids.some((uid) => uid.includes('\u0001'))).toBe(true);
  await sandbox.admin.population({ action: 'odd', count: 1, kinds: ['twins'] });
  const added = (await sandbox.admin.truth()).rows - odd.rows;
  expect(added).toBe(2);
});

test('stats and journal', async () => {
  await sandbox.admin.clearStats();
  await sandbox.admin.clearJournal();
  const [uid = ''] = Object.keys((await sandbox.admin.truth()).expected);
  await write(uid, ['a']);
  await write(uid, ['a']);
  await write('nobody', ['a']);
  const journal = await sandbox.admin.journal();
  expect(journal).toMatchObject([
    {
      method: 'accounts.setAccountInfo',
      uid,
      data: { lytics_segments: ['a'] },
      applied: true,
      changed: true,
      errorCode: 0,
    },
    { applied: true, changed: false },
    { uid: 'nobody', applied: false, changed: false, errorCode: 403005 },
  ]);
  expect(await sandbox.admin.journal(journal[1]?.n)).toHaveLength(1);
  expect(await sandbox.admin.stats()).toMatchObject({
    total: 3,
    calls: { 'accounts.setAccountInfo': { '0': 2, '403005': 1 } },
  });
});
