import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf, resultsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let uid: string;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 20, indexLagMs: 0 });
  calls = callsOf(sandbox);
  uid = Object.keys((await sandbox.admin.truth()).expected)[0] ?? '';
});
afterEach(() =>
  sandbox.admin.patchSettings({
    gigya: {
      dataStore: 'on',
      dataStoreUnknownUid: 'accept',
      missingObject: 404003,
      redundantWrite: 'accept',
    },
  }),
);
afterAll(() => sandbox.stop());

const store = (oid: string, data: unknown, more: Record<string, string> = {}) =>
  calls.gigya('ds.store', { type: 'lytics', oid, UID: uid, data: JSON.stringify(data), ...more });
const dataOf = async (oid: string) =>
  (await calls.gigya('ds.get', { type: 'lytics', oid, UID: uid, fields: '*' })).body.data;

test('arrays are appended by default', async () => {
  await store('a', { list: ['x'], kept: 1 });
  await store('a', { list: ['x', 'y'] });
  expect(await dataOf('a')).toEqual({ list: ['x', 'x', 'y'], kept: 1 });
  await store('a', { list: ['z'] }, { updateBehavior: 'arraySet' });
  expect(await dataOf('a')).toEqual({ list: ['z'], kept: 1 });
  await store('a', { list: ['z'] }, { updateBehavior: 'replace' });
  expect(await dataOf('a')).toEqual({ list: ['z'] });
  expect((await store('a', {}, { updateBehavior: 'arrayset' })).body.errorCode).toBe(400006);
});

test('UID and oid are a compound key; oid=auto is a new object each time', async () => {
  const other = { type: 'lytics', oid: 'a', UID: 'another', data: '{"list":["other"]}' };
  await calls.gigya('ds.store', other);
  expect(await dataOf('a')).toEqual({ list: ['z'] });
  const [one, two] = [await store('auto', { n: 1 }), await store('auto', { n: 1 })];
  expect(one.body.oid).not.toBe(two.body.oid);
});

test('an unknown UID is accepted, or refused', async () => {
  expect((await store('a', {}, { UID: 'nobody' })).body.errorCode).toBe(0);
  await sandbox.admin.patchSettings({ gigya: { dataStoreUnknownUid: 'refuse' } });
  expect((await store('a', {}, { UID: 'nobody' })).body.errorCode).toBe(403005);
});

test('too much data, and a type fixed by the name', async () => {
  expect((await store('a', { text: 'x'.repeat(512 * 1024) })).body.errorCode).toBe(413003);
  expect((await store('a', { count_i: 'three' })).body.errorCode).toBe(400006);
  expect((await store('a', { count_i: 3 })).body.errorCode).toBe(0);
});

test('search, and delete', async () => {
  await store('find', { lytics_segments: ['vip'] });
  const search = (query: string) => calls.gigya('ds.search', { query });
  const found = await search(
    `SELECT oid, data.lytics_segments FROM lytics WHERE UID in ("${uid}") AND oid = "find"`,
  );
  expect(resultsOf(found)).toEqual([{ oid: 'find', data: { lytics_segments: ['vip'] } }]);
  expect(
    resultsOf(await search('SELECT count(*) FROM lytics WHERE data.lytics_segments contains "vip"')),
  ).toEqual([{ 'count(*)': 1 }]);
  expect((await calls.gigya('ds.delete', { type: 'lytics', oid: 'find', UID: uid })).body.errorCode).toBe(0);
  expect((await calls.gigya('ds.get', { type: 'lytics', oid: 'find', UID: uid })).body.errorCode).toBe(
    404003,
  );
  expect(resultsOf(await search('SELECT oid FROM lytics WHERE oid = "find"'))).toEqual([]);
});

test('an object has its times in milliseconds', async () => {
  const before = Date.now();
  await store('timed', { a: 1 });
  const { body } = await calls.gigya('ds.get', { type: 'lytics', oid: 'timed', UID: uid });
  expect(body.created).toBeGreaterThanOrEqual(before);
  expect(body.lastUpdated).toBeLessThanOrEqual(Date.now());
});

test.each([404000, 404003, 'empty'] as const)('an object that does not exist: %s', async (missingObject) => {
  await sandbox.admin.patchSettings({ gigya: { missingObject } });
  const { body } = await calls.gigya('ds.get', { type: 'lytics', oid: 'none', UID: uid });
  expect(body.errorCode).toBe(missingObject === 'empty' ? 0 : missingObject);
  expect(body).not.toHaveProperty('data');
});

test('a redundant write may answer 403200', async () => {
  await store('same', { list: ['a'] });
  await sandbox.admin.patchSettings({ gigya: { redundantWrite: 403200 } });
  const again = (list: string[]) => store('same', { list }, { updateBehavior: 'arraySet' });
  expect((await again(['a'])).body.errorCode).toBe(403200);
  expect((await again(['b'])).body.errorCode).toBe(0);
});

test('a cursor covers the objects of a type, may be sent again, and is valid for ds.search only', async () => {
  for (const oid of ['1', '2', '3', '4', '5']) await store(oid, { list: ['paged'] }, { type: 'paged' });
  const query = 'SELECT oid FROM paged WHERE data.list contains "paged" LIMIT 2';
  const found: unknown[] = [];
  let page = await calls.gigya('ds.search', { query, openCursor: 'true' });
  for (; page.body.nextCursorId !== undefined; ) {
    found.push(...resultsOf(page));
    const cursorId = String(page.body.nextCursorId);
    page = await calls.gigya('ds.search', { cursorId });
    expect(resultsOf(await calls.gigya('ds.search', { cursorId }))).toEqual(resultsOf(page));
    expect((await calls.gigya('accounts.search', { cursorId })).body.errorCode).toBe(400006);
  }
  expect([...found, ...resultsOf(page)].length).toBe(5);
  expect(page.body.totalCount).toBe(5);
});

test('its schema', async () => {
  const dataSchema = JSON.stringify({ fields: { tags: { type: 'string' } }, dynamicSchema: false });
  expect((await calls.gigya('ds.setSchema', { type: 'strict', dataSchema })).body.errorCode).toBe(0);
  expect((await calls.gigya('ds.setSchema', { type: 'strict', schema: dataSchema })).body).toMatchObject({
    errorCode: 400002,
    ignoredParams: [{ paramName: 'schema', warningCode: 403007 }],
  });
  expect((await calls.gigya('ds.getSchema', { type: 'strict' })).body.schema).toMatchObject({
    dynamicSchema: false,
  });
  expect((await store('a', { tags: ['t'] }, { type: 'strict' })).body.errorCode).toBe(0);
  expect((await store('a', { else: ['t'] }, { type: 'strict' })).body.errorCode).toBe(400020);
});

test.each([403036, 403007] as const)('without the add-on: %i', async (dataStore) => {
  await sandbox.admin.patchSettings({ gigya: { dataStore } });
  expect((await store('a', {})).body.errorCode).toBe(dataStore);
  expect((await calls.gigya('ds.getSchema', { type: 'lytics' })).body.errorCode).toBe(dataStore);
});
