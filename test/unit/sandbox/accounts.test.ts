import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let defaults: Awaited<ReturnType<Sandbox['admin']['settings']>>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 20 });
  calls = callsOf(sandbox);
  defaults = await sandbox.admin.settings();
});
afterEach(() => sandbox.admin.patchSettings(defaults));
afterAll(() => sandbox.stop());

let made = 0;
async function account(data: Record<string, unknown> = {}): Promise<string> {
  const uid = `account-${++made} "é+/=`;
  await sandbox.admin.putAccounts({ uid, data });
  return uid;
}
const set = (uid: string, data: unknown) =>
  calls.gigya('accounts.setAccountInfo', { UID: uid, data: JSON.stringify(data) });
const dataOf = async (uid: string) =>
  (await calls.gigya('accounts.getAccountInfo', { UID: uid, include: 'data' })).body.data;

test('fields not sent stay, objects and arrays are replaced, null deletes', async () => {
  const uid = await account({ stays: 1, list: ['a', 'b'], object: { a: 1, b: 2 }, goes: 'x' });
  expect((await set(uid, { list: ['c'], object: { c: 3 }, goes: null })).body.errorCode).toBe(0);
  expect(await dataOf(uid)).toEqual({ stays: 1, list: ['c'], object: { c: 3 } });
});

test('a site that appends', async () => {
  await sandbox.admin.patchSettings({ gigya: { arrays: 'append' } });
  const uid = await account({ list: ['a'] });
  await set(uid, { list: ['a', 'b'] });
  expect(await dataOf(uid)).toEqual({ list: ['a', 'a', 'b'] });
});

test('an empty array is kept or becomes absent', async () => {
  const uid = await account({ list: ['a'] });
  await set(uid, { list: [] });
  expect(await dataOf(uid)).toEqual({ list: [] });
  await sandbox.admin.patchSettings({ gigya: { emptyArrays: 'absent' } });
  await set(uid, { list: [] });
  expect(await dataOf(uid)).toEqual({});
});

test('getAccountInfo returns profile and data by default, else what is included', async () => {
  const uid = await account({ a: 1 });
  const info = async (form: Record<string, string> = {}) =>
    (await calls.gigya('accounts.getAccountInfo', { UID: uid, ...form })).body;
  expect(await info()).toMatchObject({ data: { a: 1 }, profile: {} });
  expect(await info({ include: 'data' })).not.toHaveProperty('profile');
  expect(await info({ include: 'profile' })).not.toHaveProperty('data');
});

test('ids.* is the older name of accounts.*', async () => {
  const uid = await account({ a: 1 });
  const form = { UID: uid, data: '{"a":2}' };
  expect((await calls.gigya('ids.setAccountInfo', form)).body.errorCode).toBe(0);
  expect((await calls.gigya('ids.getAccountInfo', { UID: uid })).body.data).toEqual({ a: 2 });
  expect((await calls.gigya('ids.getSchema')).body).toHaveProperty('dataSchema');
  await sandbox.admin.patchSettings({ gigya: { deniedMethods: ['accounts.*'] } });
  expect((await calls.gigya('accounts.setAccountInfo', form)).body.errorCode).toBe(403007);
  expect((await calls.gigya('ids.setAccountInfo', form)).body.errorCode).toBe(0);
});

test('a redundant write is accepted, or answers 403200', async () => {
  const uid = await account({ list: ['a'] });
  expect((await set(uid, { list: ['a'] })).body.errorCode).toBe(0);
  await sandbox.admin.patchSettings({ gigya: { redundantWrite: 403200 } });
  expect((await set(uid, { list: ['a'] })).body.errorCode).toBe(403200);
  expect((await set(uid, { list: ['b'] })).body.errorCode).toBe(0);
  expect(await dataOf(uid)).toEqual({ list: ['b'] });
});

test('optional keys of a reply are absent or null', async () => {
  const uid = await account();
  expect((await set(uid, { a: 1 })).body).not.toHaveProperty('validationErrors');
  await sandbox.admin.patchSettings({ gigya: { optionalKeys: 'null' } });
  expect((await set(uid, { a: 1 })).body).toMatchObject({
    errorCode: 0,
    callId: null,
    errorMessage: null,
    validationErrors: null,
    ignoredParams: null,
  });
  expect((await set(uid, { a: 'text' })).body).toMatchObject({
    errorCode: 400006,
    validationErrors: [{ errorCode: 400006, fieldName: null }],
  });
  const query = 'SELECT UID FROM accounts LIMIT 1';
  expect((await calls.gigya('accounts.search', { query })).body).toMatchObject({ nextCursorId: null });
});

test('an unknown UID, with and without the UID in the reply', async () => {
  const recorded = {
    errorCode: 403005,
    errorMessage: 'Unauthorized user',
    errorDetails: 'Unauthorized user',
    statusCode: 403,
  };
  expect((await set('nobody', { a: 1 })).body).toMatchObject(recorded);
  expect((await calls.gigya('accounts.getAccountInfo', { UID: 'nobody' })).body).toMatchObject(recorded);
  await sandbox.admin.patchSettings({ gigya: { echoUid: true } });
  expect((await set('nobody', { a: 1 })).body.errorDetails).toContain('nobody');
});

test('refuses missing parameters and invalid JSON', async () => {
  expect((await calls.gigya('accounts.setAccountInfo', { data: '{}' })).body.errorCode).toBe(400002);
  const uid = await account();
  for (const data of ['{', '[]', '"text"'])
    expect((await calls.gigya('accounts.setAccountInfo', { UID: uid, data })).body.errorCode).toBe(400006);
});

test('refuses the sixth request in flight for one UID, but not one for another UID', async () => {
  await sandbox.admin.patchSettings({ latencyMs: 100 });
  const [uid, other] = [await account(), await account()];
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => set(uid, { a: 1 })),
    set(other, { a: 1 }),
  ]);
  const codes = answers.map(({ body }) => body.errorCode);
  expect(codes.slice(0, 8).sort()).toEqual([0, 0, 0, 0, 0, 409030, 409030, 409030]);
  expect(codes[8]).toBe(0);
  expect((await set(uid, { a: 2 })).body.errorCode).toBe(0);
});

test('quotas: calls and searches have separate buckets', async () => {
  await sandbox.admin.patchSettings({ gigya: { callsPerSecond: 5, searchesPerSecond: 1 } });
  const call = () => calls.gigya('accounts.getSchema');
  const codes = (await Promise.all(Array.from({ length: 12 }, call))).map(({ body }) => body.errorCode);
  expect(codes.filter((code) => code === 0).length).toBeGreaterThanOrEqual(5);
  expect(codes.filter((code) => code === 403048).length).toBeGreaterThanOrEqual(5);
  const search = () => calls.gigya('accounts.search', { query: 'SELECT UID FROM accounts LIMIT 1' });
  expect((await search()).body.errorCode).toBe(0);
  expect((await search()).body).toMatchObject({
    errorCode: 403048,
    errorMessage: 'Api rate limit exceeded',
    errorDetails: 'Api rate limit exceeded',
    statusReason: 'Forbidden',
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect((await search()).body.errorCode).toBe(0);
});

test('the schema: declared types are enforced, a dynamic schema adds new fields', async () => {
  const uid = await account();
  const declared = {
    fields: { lytics_segments: { type: 'string', writeAccess: 'serverOnly' } },
    dynamicSchema: true,
  };
  expect(
    (await calls.gigya('accounts.setSchema', { dataSchema: JSON.stringify(declared) })).body.errorCode,
  ).toBe(0);
  expect((await set(uid, { lytics_segments: ['a'], other: 3 })).body.errorCode).toBe(0);
  expect((await set(uid, { lytics_segments: [1] })).body).toMatchObject({
    errorCode: 400006,
    validationErrors: [{ fieldName: 'data.lytics_segments' }],
  });
  const { body } = await calls.gigya('accounts.getSchema');
  expect(body).toMatchObject({
    profileSchema: { dynamicSchema: false },
    dataSchema: {
      fields: { lytics_segments: { type: 'string' }, other: { type: 'long' } },
      dynamicSchema: true,
    },
  });
  const retyped = JSON.stringify({ fields: { lytics_segments: { type: 'integer' } } });
  expect((await calls.gigya('accounts.setSchema', { dataSchema: retyped })).body.errorCode).toBe(400006);
});

test('the schema: where it is not dynamic an undeclared field is refused', async () => {
  const uid = await account();
  const still = (dynamicSchema: boolean) =>
    calls.gigya('accounts.setSchema', { dataSchema: JSON.stringify({ dynamicSchema }) });
  await still(false);
  expect((await set(uid, { undeclared: ['a'] })).body.errorCode).toBe(400020);
  await sandbox.admin.patchSettings({ gigya: { undeclaredField: 400006 } });
  expect((await set(uid, { undeclared: [] })).body).toMatchObject({
    errorCode: 400006,
    validationErrors: [{ errorCode: 400006, fieldName: 'data.undeclared' }],
  });
  await still(true);
});
