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
afterEach(() => sandbox.admin.patchSettings({ gigya: { dataStore: 'on', dataStoreUnknownUid: 'accept' } }));
afterAll(() => sandbox.stop());

const store = (oid: string, data: unknown, more: Record<string, string> = {}) =>
  calls.gigya('ds.store', { type: 'lytics', oid, UID: uid, data: JSON.stringify(data), ...more });
const dataOf = async (oid: string) =>
  (await calls.gigya('ds.get', { type: 'lytics', oid, UID: uid, fields: '*' })).body.data;

test('arrays are appended unless told otherwise', async () => {
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

test('its schema', async () => {
  const schema = JSON.stringify({ fields: { tags: { type: 'string' } }, dynamicSchema: false });
  expect((await calls.gigya('ds.setSchema', { type: 'strict', schema })).body.errorCode).toBe(0);
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
