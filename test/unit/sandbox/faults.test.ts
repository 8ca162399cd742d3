import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type FaultInput, type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf, rowsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let defaults: Awaited<ReturnType<Sandbox['admin']['settings']>>;
let uids: string[];
beforeAll(async () => {
  sandbox = await startSandbox({ users: 250 });
  calls = callsOf(sandbox);
  defaults = await sandbox.admin.settings();
  uids = Object.keys((await sandbox.admin.truth()).expected);
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.clearJournal();
  await sandbox.admin.patchSettings(defaults);
});
afterAll(() => sandbox.stop());

const [writes, scans] = [{ method: 'accounts.setAccountInfo' }, { method: 'scan' }];
const fault = (rule: FaultInput) => sandbox.admin.addFaults(rule);
const write = (uid = uids[0] ?? '') =>
  calls.gigya('accounts.setAccountInfo', { UID: uid, data: '{"a":["b"]}' });
const scan = (query = 'limit=100') => calls.lytics(`/api/segment/vip/scan?${query}`);

test('any error code, with its own message, a number of times', async () => {
  await fault({
    match: writes,
    times: 2,
    action: { kind: 'gigya_error', code: 403007, message: 'Permission denied', details: 'Site was deleted' },
  });
  expect((await write()).body).toMatchObject({
    errorCode: 403007,
    errorDetails: 'Site was deleted',
    statusCode: 403,
  });
  expect((await write()).body.errorCode).toBe(403007);
  expect((await write()).body.errorCode).toBe(0);
  expect((await sandbox.admin.journal()).map(({ applied, errorCode }) => [applied, errorCode])).toEqual([
    [false, 403007],
    [false, 403007],
    [true, 0],
  ]);
});

test('after a number of requests, for one UID, at a rate', async () => {
  await fault({ match: { ...writes, after: 2 }, action: { kind: 'gigya_error', code: 500001 } });
  const codes = [await write(), await write(), await write()].map(({ body }) => body.errorCode);
  expect(codes).toEqual([0, 0, 500001]);

  await sandbox.admin.clearFaults();
  await fault({ match: { ...writes, uid: uids[1] ?? '' }, action: { kind: 'gigya_error', code: 400009 } });
  expect((await write(uids[1])).body.errorCode).toBe(400009);
  expect((await write(uids[2])).body.errorCode).toBe(0);

  await sandbox.admin.clearFaults();
  await fault({ match: writes, rate: 0.3, action: { kind: 'gigya_error', code: 503001 } });
  let failed = 0;
  for (let n = 0; n < 100; n++) if ((await write()).body.errorCode !== 0) failed++;
  expect(failed).toBeGreaterThan(10);
  expect(failed).toBeLessThan(60);
  expect((await sandbox.admin.faults())[0]).toMatchObject({ seen: 100, fired: failed });
});

test('HTML from a proxy, and a redirect', async () => {
  await fault({ match: { provider: 'gigya' }, action: { kind: 'html', status: 502 } });
  const response = await fetch(`${sandbox.url}/accounts.getSchema`, { method: 'POST' });
  expect([response.status, response.headers.get('content-type')]).toEqual([502, 'text/html']);
  await sandbox.admin.clearFaults();
  await fault({ match: scans, action: { kind: 'redirect', location: 'http://127.0.0.1:9/x' } });
  const moved = await fetch(`${sandbox.url}/api/segment/vip/scan`, { redirect: 'manual' });
  expect([moved.status, moved.headers.get('location')]).toEqual([302, 'http://127.0.0.1:9/x']);
});

test('a connection cut before the write, and after it', async () => {
  await fault({ match: writes, times: 1, action: { kind: 'cut' } });
  await expect(write()).rejects.toThrow();
  expect(await sandbox.admin.journal()).toEqual([]);
  await fault({ match: writes, times: 1, action: { kind: 'cut', applied: true } });
  await expect(write()).rejects.toThrow();
  expect(await sandbox.admin.journal()).toMatchObject([{ applied: true, uid: uids[0], data: { a: ['b'] } }]);
});

test.each(['silence', 'drip'] as const)('%s, until the caller gives up', async (kind) => {
  await fault({ match: { method: 'accounts.getSchema' }, action: { kind } });
  const options = {
    method: 'POST',
    body: new URLSearchParams(calls.credentials),
    signal: AbortSignal.timeout(400),
  };
  const answer = fetch(`${sandbox.url}/accounts.getSchema`, options).then((response) => response.text());
  await expect(answer).rejects.toThrow(/timeout|abort/i);
});

test('latency, and a write that is applied after its caller has gone', async () => {
  await fault({ match: writes, times: 1, action: { kind: 'latency', ms: 300 } });
  const form = new URLSearchParams({ ...calls.credentials, UID: uids[3] ?? '', data: '{"late":true}' });
  const gone = fetch(`${sandbox.url}/accounts.setAccountInfo`, {
    method: 'POST',
    body: form,
    signal: AbortSignal.timeout(100),
  });
  await expect(gone).rejects.toThrow();
  expect(await sandbox.admin.journal()).toEqual([]);
  await setTimeout(350);
  expect(await sandbox.admin.journal()).toMatchObject([{ applied: true, data: { late: true } }]);
});

test('settings that change while requests are made', async () => {
  await fault({
    match: { ...writes, after: 1 },
    times: 1,
    action: { kind: 'settings', settings: { gigya: { keyRevoked: true } } },
  });
  expect((await write()).body.errorCode).toBe(0);
  expect((await write()).body).toMatchObject({
    errorCode: 403005,
    errorDetails: 'The supplied userkey was not found',
  });
});

test("Lytics' errors", async () => {
  await fault({
    match: scans,
    times: 1,
    action: { kind: 'lytics_error', status: 429, retryAfterSeconds: 2 },
  });
  await fault({
    match: scans,
    times: 1,
    action: { kind: 'lytics_error', status: 403, message: 'no permission' },
  });
  await fault({ match: { path: '^/v2/segment' }, times: 1, action: { kind: 'lytics_error', status: 503 } });
  const limited = await scan();
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2']);
  expect((await scan()).body).toEqual({ data: null, message: 'no permission', status: 403 });
  expect((await calls.lytics('/v2/segment')).body).toMatchObject({ status: 503, errors: [{ code: 503 }] });
});

test('an expired cursor, a repeated page, a wrong total, a deleted audience', async () => {
  const first = await scan();
  const second = `limit=100&start=${encodeURIComponent(String(first.body._next))}`;
  await fault({ match: scans, times: 1, action: { kind: 'expired_cursor' } });
  expect((await scan(second)).status).toBe(400);
  await fault({ match: scans, times: 1, action: { kind: 'repeat_page' } });
  expect(rowsOf(await scan(second))).toEqual(rowsOf(first));
  expect(rowsOf(await scan(second))).not.toEqual(rowsOf(first));
  await fault({ match: scans, times: 1, action: { kind: 'total', add: -20 } });
  expect((await scan()).body.total).toBe(230);
  await fault({ match: scans, times: 1, action: { kind: 'audience_deleted' } });
  expect((await scan(second)).status).toBe(404);
});

test('an invalid rule is refused, and the message names the fault', async () => {
  const wrong = { match: writes, rate: 2, action: { kind: 'cut' } } as const;
  await expect(fault(wrong)).rejects.toThrow(/rate/);
});
