import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox } from '../../../sandbox/client.ts';
import { callsOf, resultsOf, rowsOf } from './calls.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('continues from its last state after SIGKILL and a restart on the same port', async () => {
  const state = join(folder, 'state.jsonl');
  const first = await startSandbox({ users: 300, state, indexLagMs: 0, cursor: 'scroll' });
  const calls = callsOf(first);
  const { expected } = await first.admin.truth();
  await first.admin.enter(20);
  await first.admin.patchSettings({ gigya: { cursorLifeSeconds: 600 } });
  await first.admin.addFaults({
    match: { method: 'ds.get', after: 1 },
    times: 1,
    action: { kind: 'gigya_error', code: 500028 },
  });
  for (const [uid, slugs] of Object.entries(expected).slice(0, 100)) {
    const data = JSON.stringify({ lytics_segments: slugs });
    await calls.gigya('accounts.setAccountInfo', { UID: uid, data });
    await calls.gigya('ds.store', { type: 'lytics', oid: 'o', UID: uid, data });
  }
  const page = await calls.lytics('/api/segment/vip/scan?limit=100');
  const batch = await calls.gigya('accounts.search', {
    query: 'SELECT UID FROM accounts LIMIT 10',
    openCursor: 'true',
  });
  await calls.gigya('ds.get', { type: 'lytics', oid: 'o' });
  const before = [
    await first.admin.truth(),
    await first.admin.verify(),
    await first.admin.journal(),
    await first.admin.settings(),
  ];
  await first.kill('SIGKILL');

  const second = await startSandbox({ port: Number(new URL(first.url).port), state });
  expect(second.url).toBe(first.url);
  expect(second.authorizations).toEqual(first.authorizations);
  expect([
    await second.admin.truth(),
    await second.admin.verify(),
    await second.admin.journal(),
    await second.admin.settings(),
  ]).toEqual(before);
  const next = await calls.lytics(`/api/segment/vip/scan?limit=100&start=${page.body._next}`);
  expect(rowsOf(next).length).toBe(100);
  expect(rowsOf(next)).not.toEqual(rowsOf(page));
  const more = await calls.gigya('accounts.search', { cursorId: String(batch.body.nextCursorId) });
  expect(resultsOf(more).length).toBe(10);
  expect((await calls.gigya('ds.get', { type: 'lytics', oid: 'o' })).body.errorCode).toBe(500028);
  expect((await second.admin.verify({ storage: 'data_store' })).exact).toBe(100);
  await second.stop();
});

test('an answered write survives SIGKILL, and half a line at the end is ignored', async () => {
  const state = join(folder, 'state.jsonl');
  const first = await startSandbox({ users: 200, state });
  const calls = callsOf(first);
  const answered: string[] = [];
  const writing = (async () => {
    for (const [uid, slugs] of Object.entries((await first.admin.truth()).expected)) {
      await calls.gigya('accounts.setAccountInfo', {
        UID: uid,
        data: JSON.stringify({ lytics_segments: slugs }),
      });
      answered.push(uid);
      if (answered.length === 50) void first.kill('SIGKILL');
    }
  })();
  await expect(writing).rejects.toThrow();
  expect(answered.length).toBeGreaterThanOrEqual(50);
  writeFileSync(state, `${readFileSync(state, 'utf8')}[123,{"type":"acc`);

  const second = await startSandbox({ state });
  const held = await second.admin.state();
  for (const uid of answered) expect(held[uid]?.account).not.toBeNull();
  await second.stop();
  const third = await startSandbox({ state });
  await third.stop();
});

test('the authorizations file is readable by its owner only and has all three ways to authenticate', async () => {
  const authorizations = join(folder, 'authorizations.json');
  writeFileSync(authorizations, '{}', { mode: 0o644 });
  const sandbox = await startSandbox({ users: 1, authorizations, limits: [1000, 100] });
  expect(statSync(authorizations).mode & 0o777).toBe(0o600);
  expect(sandbox.authorizations).toMatchObject({
    lytics: { provider: 'lytics', base_url: sandbox.url },
    gigya: {
      provider: 'gigya',
      base_url: sandbox.url,
      limits: { calls_per_second: 1000, searches_per_second: 100 },
    },
    'gigya-rsa': { private_key: expect.stringContaining('BEGIN PRIVATE KEY') },
    'gigya-signature': { authentication: 'signature' },
  });
  await sandbox.stop();
});
