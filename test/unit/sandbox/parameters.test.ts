import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let uid: string;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 5 });
  calls = callsOf(sandbox);
  uid = Object.keys((await sandbox.admin.truth()).expected)[0] ?? '';
});
afterEach(async () => {
  await sandbox.admin.patchSettings({ gigya: { ignoredParameters: [] } });
  await sandbox.admin.clearJournal();
});
afterAll(() => sandbox.stop());

const write = (form: Record<string, string> = {}) =>
  calls.gigya('accounts.setAccountInfo', { UID: uid, data: '{"mark":1}', ...form });
const markOf = async () => (await sandbox.admin.account(uid)).data.mark;

test('parameter names are read in any case', async () => {
  const { apiKey: ApiKey, userKey: USERKEY, secret } = calls.credentials;
  const form = { ApiKey, USERKEY, secret, uid, Data: '{"case":true}' };
  expect((await calls.post('accounts.setAccountInfo', form)).body).toMatchObject({ errorCode: 0 });
  expect((await sandbox.admin.account(uid)).data).toMatchObject({ case: true });
});

test('unknown parameters are listed, and the call succeeds', async () => {
  expect((await write()).body).not.toHaveProperty('ignoredParams');
  expect((await write({ updateBehaviour: 'arraySet', segments: 'x' })).body).toMatchObject({
    errorCode: 0,
    ignoredParams: [
      { paramName: 'updateBehaviour', warningCode: 403007, message: expect.any(String) },
      { paramName: 'segments', warningCode: 403007 },
    ],
  });
  expect(await markOf()).toBe(1);
});

test('checkParams makes them an error', async () => {
  expect((await write({ checkParams: 'true' })).body.errorCode).toBe(0);
  expect((await write({ checkParams: 'true', segments: 'x', data: '{"mark":2}' })).body).toMatchObject({
    errorCode: 403007,
    ignoredParams: [{ paramName: 'segments' }],
  });
  expect(await markOf()).toBe(1);
});

test.each(['data', 'UID', 'uid'])(
  'a write whose %s is ignored succeeds and changes nothing',
  async (name) => {
    await sandbox.admin.patchSettings({ gigya: { ignoredParameters: [name] } });
    const { body } = await write({ data: '{"mark":3}' });
    expect(body).toMatchObject({ errorCode: 0, ignoredParams: [{ warningCode: 403007 }] });
    expect(await markOf()).toBe(1);
    expect(await sandbox.admin.journal()).toMatchObject([
      { uid, data: { mark: 3 }, applied: false, changed: false, errorCode: 0 },
    ]);
  },
);

test('ds.store with updateBehavior ignored changes nothing; reads are not affected', async () => {
  await sandbox.admin.patchSettings({ gigya: { ignoredParameters: ['updateBehavior', 'UID'] } });
  const form = { type: 'lytics', oid: 'o', UID: uid };
  const stored = await calls.gigya('ds.store', { ...form, data: '{"a":1}', updateBehavior: 'arraySet' });
  expect(stored.body).toMatchObject({ errorCode: 0, ignoredParams: [{}, {}] });
  expect((await sandbox.admin.held(uid)).objects).toEqual([]);
  expect((await calls.gigya('accounts.getAccountInfo', { UID: uid })).body.UID).toBe(uid);
});

test('another ignored parameter does not stop the write', async () => {
  await sandbox.admin.patchSettings({ gigya: { ignoredParameters: ['muteWebhooks'] } });
  const { body } = await write({ muteWebhooks: 'true', data: '{"mark":4}' });
  expect(body).toMatchObject({ errorCode: 0, ignoredParams: [{ paramName: 'muteWebhooks' }] });
  expect(await markOf()).toBe(4);
});
