import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf, resultsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let defaults: Awaited<ReturnType<Sandbox['admin']['settings']>>;
let uids: string[];
beforeAll(async () => {
  sandbox = await startSandbox({ users: 6000, outsiders: 0, audiences: 5 });
  calls = callsOf(sandbox);
  defaults = await sandbox.admin.settings();
  uids = Object.keys((await sandbox.admin.truth()).expected);
});
afterEach(() => sandbox.admin.patchSettings(defaults));
afterAll(() => sandbox.stop());

const search = (query: string, more: Record<string, string> = {}) =>
  calls.gigya('accounts.search', { query, ...more });
const next = (cursorId: unknown) => calls.gigya('accounts.search', { cursorId: String(cursorId) });

test('300 results by default, at most 5,000 without a cursor', async () => {
  const first = await search('SELECT UID FROM accounts');
  expect(first.body).toMatchObject({ errorCode: 0, objectsCount: 300, totalCount: 6060 });
  expect((await search('SELECT UID FROM accounts LIMIT 10000')).body).toMatchObject({
    objectsCount: 5000,
    totalCount: 6060,
  });
  expect((await search('SELECT UID FROM accounts START 5000')).body.errorCode).toBe(400006);
  expect((await search('SELECT count(*) FROM accounts')).body).toMatchObject({
    results: [{ 'count(*)': 6060 }],
    objectsCount: 1,
    totalCount: 6060,
  });
});

test('a LIMIT over 10,000 has no effect, or that of 10,000', async () => {
  const count = async (form = {}) =>
    (await search('SELECT UID FROM accounts LIMIT 10001', form)).body.objectsCount;
  expect(await count()).toBe(300);
  expect(await count({ openCursor: 'true' })).toBe(300);
  await sandbox.admin.patchSettings({ gigya: { limitOverMaximum: 'maximum' } });
  expect(await count()).toBe(5000);
  expect(await count({ openCursor: 'true' })).toBe(1000);
});

test('FROM account and single quotes are accepted', async () => {
  const [uid = ''] = uids;
  expect(resultsOf(await search(`SELECT UID FROM account WHERE UID = '${uid}'`))).toEqual([{ UID: uid }]);
});

test.each([
  ['absent', undefined],
  ['null', null],
  ['minus_one', -1],
  ['negative', -6067],
  ['wrong', 12137],
] as const)('a totalCount that is %s', async (totalCount, told) => {
  await sandbox.admin.patchSettings({ gigya: { totalCount } });
  const { body } = await search('SELECT UID FROM accounts LIMIT 1');
  expect(body.totalCount).toBe(told);
});

describe('lite accounts', () => {
  const rowsFor = async (uid: string, accountTypes: string) =>
    resultsOf(
      await search(
        `SELECT UID, isLite FROM accounts WHERE UID = "${uid}"`,
        accountTypes ? { accountTypes } : {},
      ),
    );

  test('are found with accountTypes only; a full account then has two rows', async () => {
    await sandbox.admin.patchSettings({ gigya: { liteShare: 0.5 } });
    const { strangers, expected } = await sandbox.admin.truth();
    const [[lite = ''], [full = '']] = [strangers, Object.keys(expected)];
    expect(strangers.length).toBeGreaterThan(2000);
    expect(Object.keys(expected).length).toBeGreaterThan(2000);
    expect(await rowsFor(lite, '')).toEqual([]);
    expect(await rowsFor(lite, 'full,lite')).toEqual([{ UID: lite, isLite: true }]);
    expect(await rowsFor(full, '')).toEqual([{ UID: full }]);
    expect(await rowsFor(full, 'full,lite')).toEqual([{ UID: full }, { UID: full, isLite: true }]);
    expect((await search('SELECT UID FROM accounts', { accountTypes: 'other' })).body.errorCode).toBe(400006);
  });

  test('answer writes and reads as unknown users do', async () => {
    await sandbox.admin.patchSettings({ gigya: { liteShare: 1, dataStoreUnknownUid: 'refuse' } });
    const [UID = ''] = uids;
    for (const [method, form] of [
      ['accounts.setAccountInfo', { data: '{"a":1}' }],
      ['accounts.getAccountInfo', {}],
      ['ds.store', { type: 'lytics', oid: 'o', data: '{"a":1}' }],
    ] as const)
      expect((await calls.gigya(method, { UID, ...form })).body).toMatchObject({
        errorCode: 403005,
        errorDetails: 'Unauthorized user',
      });
  });
});

test('200 UIDs a search', async () => {
  const wanted = uids.slice(100, 300);
  const found = await search(
    `SELECT UID FROM accounts WHERE UID in (${wanted.map((uid) => JSON.stringify(uid)).join(', ')})`,
  );
  expect(new Set(resultsOf(found).map(({ UID }) => UID))).toEqual(new Set(wanted));
});

test('refuses a query that is too long, invalid, or names unknown fields', async () => {
  const long = uids.map((uid) => JSON.stringify(uid)).join(',');
  expect((await search(`SELECT UID FROM accounts WHERE UID in (${long})`)).body.errorCode).toBe(500001);
  expect((await search('SELECT')).body.errorCode).toBe(400006);
  expect((await search('SELECT UID FROM users')).body.errorCode).toBe(400006);
  expect((await search('SELECT lytics_segments FROM accounts')).body.errorCode).toBe(400006);
});

test('a cursor covers all results, may be sent again, and ends without nextCursorId', async () => {
  const seen: unknown[] = [];
  let page = await search('SELECT UID FROM accounts LIMIT 1000', { openCursor: 'true' });
  while (true) {
    seen.push(...resultsOf(page).map(({ UID }) => UID));
    const { nextCursorId } = page.body;
    if (nextCursorId === undefined) break;
    page = await next(nextCursorId);
    expect(resultsOf(await next(nextCursorId))).toEqual(resultsOf(page));
  }
  expect(seen.length).toBe(6060);
  expect(new Set(seen).size).toBe(6060);
});

test('a cursor is sent alone, has batches of at most 1,000, and expires', async () => {
  const most = await search('SELECT UID FROM accounts LIMIT 10000', { openCursor: 'true' });
  expect(most.body).toMatchObject({ errorCode: 0, objectsCount: 1000, totalCount: 6060 });
  const { nextCursorId } = (await search('SELECT UID FROM accounts LIMIT 10', { openCursor: 'true' })).body;
  const cursorId = String(nextCursorId);
  expect((await search('SELECT UID FROM accounts', { cursorId })).body.errorCode).toBe(400006);
  expect((await next(cursorId)).body.errorCode).toBe(0);
  await sandbox.admin.patchSettings({ gigya: { cursorLifeSeconds: 0.05, cursorErrorCode: 500028 } });
  await setTimeout(100);
  expect((await next(cursorId)).body.errorCode).toBe(500028);
  expect((await next('nonsense')).body.errorCode).toBe(500028);
});

test('a batch may be smaller than requested', async () => {
  await sandbox.admin.patchSettings({ gigya: { shortBatches: true } });
  let page = await search('SELECT UID FROM accounts LIMIT 1000', { openCursor: 'true' });
  const sizes = [resultsOf(page).length];
  for (; page.body.nextCursorId !== undefined; sizes.push(resultsOf(page).length))
    page = await next(page.body.nextCursorId);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(6060);
  expect(Math.min(...sizes.slice(0, -1))).toBeLessThan(1000);
});

test('a cursor returns the data from when it was opened', async () => {
  const query = 'SELECT UID, data.mark FROM accounts WHERE data.mark contains "m" LIMIT 1';
  await sandbox.admin.patchSettings({ gigya: { indexLagMs: 0 } });
  for (const UID of ['c1', 'c2']) await sandbox.admin.putAccounts({ uid: UID, data: { mark: ['m'] } });
  const first = await search(query, { openCursor: 'true' });
  for (const UID of ['c1', 'c2']) await calls.gigya('accounts.setAccountInfo', { UID, data: '{"mark":[]}' });
  expect(resultsOf(await next(first.body.nextCursorId))).toEqual([{ UID: 'c2', data: { mark: ['m'] } }]);
  expect(resultsOf(await search(query))).toEqual([]);
});

test('searches lag behind the writes, consistent reads do not', async () => {
  await sandbox.admin.patchSettings({ gigya: { indexLagMs: 300 } });
  const [UID = ''] = uids;
  const find = async () => resultsOf(await search(`SELECT data.s FROM accounts WHERE UID = "${UID}"`));
  await calls.gigya('accounts.setAccountInfo', { UID, data: '{"s":["a"]}' });
  await sandbox.admin.putAccounts({ uid: 'young' });
  expect(await find()).toEqual([{}]);
  expect((await search('SELECT UID FROM accounts WHERE UID = "young"')).body.totalCount).toBe(0);
  expect((await calls.gigya('accounts.getAccountInfo', { UID, include: 'data' })).body.data).toMatchObject({
    s: ['a'],
  });
  expect((await sandbox.admin.info()).waitingForIndex).toBeGreaterThan(0);
  await setTimeout(350);
  expect(await find()).toEqual([{ data: { s: ['a'] } }]);
  expect((await search('SELECT UID FROM accounts WHERE UID = "young"')).body.totalCount).toBe(1);
});

test('contains searches by word, or exactly', async () => {
  await sandbox.admin.patchSettings({ gigya: { indexLagMs: 0 } });
  await sandbox.admin.putAccounts(
    { uid: 'word1', data: { labels: ['word_gold'] } },
    { uid: 'word2', data: { labels: ['word'] } },
    { uid: 'word3', data: { labels: ['Word'] } },
  );
  const found = async () =>
    (await search('SELECT UID FROM accounts WHERE data.labels contains "word"')).body.totalCount;
  expect(await found()).toBe(2);
  await sandbox.admin.patchSettings({ gigya: { contains: 'exact' } });
  expect(await found()).toBe(1);
});
