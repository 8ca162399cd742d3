import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { sign } from '../../../sandbox/gigya/signature.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 20 });
  calls = callsOf(sandbox);
});
afterEach(() =>
  sandbox.admin.patchSettings({
    gigya: {
      keyRevoked: false,
      clockSkewSeconds: 0,
      wrongDataCenter: null,
      deniedMethods: [],
      publicUrl: null,
      anonymousSchema: true,
    },
  }),
);
afterAll(() => sandbox.stop());

const method = 'accounts.getSchema';
/** A method that needs credentials. */
const search = 'accounts.search';

test("SAP's own signature", () => {
  const parameters = new Map(
    Object.entries({
      UID: '_guid_abc+/=',
      apiKey: '3_testApiKey',
      data: '{"lytics_segments":["vip","café & co","a~b*c"]}',
      format: 'json',
      httpStatusCodes: 'false',
      nonce: '1700000000000_1',
      timestamp: '1700000000',
      userKey: 'AKtestUser',
      sig: 'left out',
    }),
  );
  const secret = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
  const expected = 'X34pHCL85a75Dg+qEvx/UXoMefY=';
  expect(sign('https://accounts.us1.gigya.com/accounts.setAccountInfo', parameters, secret)).toBe(expected);
  expect(sign('HTTPS://Accounts.us1.gigya.com:443/accounts.setAccountInfo', parameters, secret)).toBe(
    expected,
  );
  expect(sign('https://accounts.us1.gigya.com:444/accounts.setAccountInfo', parameters, secret)).not.toBe(
    expected,
  );
});

test('accepts application key and secret', async () => {
  const { body, status } = await calls.gigya(method);
  expect(status).toBe(200);
  expect(body).toMatchObject({ errorCode: 0, statusCode: 200, statusReason: 'OK', apiVersion: 2 });
  expect(body.callId).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  ['no API key', { apiKey: '' }, { errorCode: 400002 }],
  ['another API key', { apiKey: '3_other' }, { errorCode: 400093, errorMessage: 'Invalid ApiKey parameter' }],
  [
    'another secret',
    { secret: 'bm8=' },
    { errorCode: 403010, errorMessage: 'Invalid Secret', errorDetails: 'Invalid parameter: secret' },
  ],
  [
    'another user key',
    { userKey: 'AKother' },
    {
      errorCode: 403005,
      errorMessage: 'Unauthorized user',
      errorDetails: 'The supplied userkey was not found',
    },
  ],
  ['a secret without a user key', { userKey: '' }, { errorCode: 403007 }],
])('%s is refused, with HTTP 200', async (_, form, expected) => {
  const { body, status } = await calls.gigya(method, form);
  expect(status).toBe(200);
  expect(body).toMatchObject({ statusCode: Math.floor(expected.errorCode / 1000), ...expected });
});

test('the HTTP status shows the error with httpStatusCodes=true', async () => {
  expect((await calls.gigya(method, { secret: 'bm8=', httpStatusCodes: 'true' })).status).toBe(403);
});

test('a bearer token', async () => {
  expect((await calls.bearer(method, {})).body.errorCode).toBe(0);
});

test.each([
  ['stale', { payload: { iat: 1_700_000_000 } }, 403002],
  ['of an unknown key', { header: { kid: 'AKother' } }, 403005],
  ['of another algorithm', { header: { alg: 'HS256' } }, 400001],
  ['with other claims', { payload: { exp: 4_000_000_000 } }, 400001],
])('a bearer token %s is refused', async (_, over, code) => {
  expect((await calls.bearer(method, {}, over)).body.errorCode).toBe(code);
});

test('a bearer token works once, and not together with a secret', async () => {
  const over = { payload: { jti: 'one' } };
  expect((await calls.bearer(method, {}, over)).body.errorCode).toBe(0);
  expect((await calls.bearer(method, {}, over)).body.errorCode).toBe(403004);
  expect((await calls.bearer(method, { userKey: 'AK' })).body.errorCode).toBe(400001);
});

test('a signature', async () => {
  const form = { query: 'SELECT UID FROM accounts WHERE data.s contains "café & (co) \'a~b*c!" LIMIT 1' };
  expect((await calls.signed('accounts.search', form)).body.errorCode).toBe(0);
});

test.each([
  ['behind a proxy that ends TLS', { 'x-forwarded-proto': 'https' }, null, ['https', ''], 0],
  ['of a client that takes TLS for granted', {}, null, ['https', ''], 403003],
  ['of plain http behind TLS', { 'x-forwarded-proto': 'https' }, null, ['http', ''], 403003],
  ['behind a gateway', {}, 'https://accounts.us1.gigya.com', ['https', 'accounts.us1.gigya.com'], 0],
  ['with a default port', {}, 'https://accounts.us1.gigya.com:443', ['https', 'accounts.us1.gigya.com'], 0],
  ['without a port that is none', {}, 'https://a.example:8443', ['https', 'a.example'], 403003],
  ['with a port', {}, 'https://a.example:8443', ['https', 'a.example:8443'], 0],
] as const)('a signature %s', async (_, headers, publicUrl, [scheme, host], code) => {
  await sandbox.admin.patchSettings({ gigya: { publicUrl } });
  const signedUrl = `${scheme}://${host || new URL(sandbox.url).host}/${method}`;
  expect((await calls.signed(method, {}, { signedUrl, headers })).body.errorCode).toBe(code);
});

test('a signature covers the names that were sent, in whatever case', async () => {
  const form = { Query: 'SELECT UID FROM accounts LIMIT 1', unknown: 'x' };
  expect((await calls.signed(search, form)).body).toMatchObject({ errorCode: 0, objectsCount: 1 });
});

test('getSchema answers without credentials, but not with wrong ones', async () => {
  const anonymous = async (called: string, form = {}) =>
    (await calls.post(called, { apiKey: calls.credentials.apiKey, ...form })).body.errorCode;
  expect(await anonymous(method)).toBe(0);
  expect(await anonymous('ds.getSchema', { type: 'lytics' })).toBe(0);
  expect(await anonymous(method, { userKey: 'AKother', secret: 'bm8=' })).toBe(403005);
  expect(await anonymous('accounts.setSchema', { dataSchema: '{}' })).toBe(400002);
  expect(await anonymous(search, { query: 'SELECT UID FROM accounts LIMIT 1' })).toBe(400002);
  await sandbox.admin.patchSettings({ gigya: { anonymousSchema: false } });
  expect(await anonymous(method)).toBe(400002);
});

test('a signature must be fresh, correct and used once', async () => {
  const now = Math.floor(Date.now() / 1000);
  const { body, headers } = await calls.signed(method, {}, { timestamp: now - 600 });
  expect(body.errorCode).toBe(403002);
  expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())).toBeLessThan(5000);
  expect((await calls.signed(method, {}, { sig: 'bm8=' })).body.errorCode).toBe(403003);
  expect((await calls.signed(method, {}, { nonce: 'one' })).body.errorCode).toBe(0);
  expect((await calls.signed(method, {}, { nonce: 'one' })).body.errorCode).toBe(403004);
});

test("with Gigya's clock ahead, its Date header has the correct time", async () => {
  await sandbox.admin.patchSettings({ gigya: { clockSkewSeconds: 3600 } });
  const { body, headers } = await calls.signed(method, {});
  expect(body.errorCode).toBe(403002);
  const timestamp = Math.floor(Date.parse(headers.get('date') ?? '') / 1000);
  expect((await calls.signed(method, {}, { timestamp })).body.errorCode).toBe(0);
});

test('a key that was revoked is unknown', async () => {
  await sandbox.admin.patchSettings({ gigya: { keyRevoked: true } });
  for (const { body } of [
    await calls.gigya(method),
    await calls.bearer(method, {}),
    await calls.signed(method, {}),
  ])
    expect(body).toMatchObject({ errorCode: 403005, errorDetails: 'The supplied userkey was not found' });
});

test('a method that the key may not call, and the wrong data center', async () => {
  await sandbox.admin.patchSettings({ gigya: { deniedMethods: ['accounts.setSchema'] } });
  expect((await calls.gigya('accounts.setSchema', { dataSchema: '{}' })).body.errorCode).toBe(403007);
  await sandbox.admin.patchSettings({ gigya: { wrongDataCenter: 'eu1.gigya.com' } });
  expect((await calls.gigya(method)).body).toMatchObject({ errorCode: 301001, apiDomain: 'eu1.gigya.com' });
});

test('refuses unknown methods and namespaces, GET, and a body that is not a form', async () => {
  expect((await calls.gigya('accounts.setEverything')).body.errorCode).toBe(405001);
  expect((await calls.gigya('fidm.list')).body.errorCode).toBe(405001);
  const get = await fetch(`${sandbox.url}/${method}?${new URLSearchParams(calls.credentials)}`);
  expect(await get.json()).toMatchObject({ errorCode: 405001 });
  const json = {
    method: 'POST',
    body: JSON.stringify(calls.credentials),
    headers: { 'content-type': 'application/json' },
  };
  expect(await (await fetch(`${sandbox.url}/${method}`, json)).json()).toMatchObject({ errorCode: 400002 });
});
