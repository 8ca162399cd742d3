import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { type Answer, callsOf, rowsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let defaults: Awaited<ReturnType<Sandbox['admin']['settings']>>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 250, seed: 3 });
  calls = callsOf(sandbox);
  defaults = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(defaults);
});
afterAll(() => sandbox.stop());

const scan = (query = '', audience = 'vip') => calls.lytics(`/api/segment/${audience}/scan?${query}`);
const after = (page: Answer, query = 'limit=100') =>
  scan(`${query}&start=${encodeURIComponent(String(page.body._next))}`);
const emails = (page: Answer) => rowsOf(page).map(({ email }) => email);

describe('authorization', () => {
  test('the token is sent without a scheme', async () => {
    const refused = await calls.lytics('/api/segment/vip/scan', {
      headers: { authorization: `Bearer ${sandbox.authorizations.lytics.token}` },
    });
    expect(refused.status).toBe(401);
    expect(refused.body).toEqual({ data: null, message: 'Not authorized', status: 401 });
  });

  test('a 401 of /v2 has the shape of /api, or its own', async () => {
    const ask = () => calls.lytics('/v2/segment', { headers: { authorization: 'other' } });
    expect((await ask()).body).toEqual({ data: null, message: 'Not authorized', status: 401 });
    await sandbox.admin.patchSettings({ lytics: { v2Unauthorized: 'v2' } });
    expect((await ask()).body).toMatchObject({ status: 401, errors: [{ message: 'Not authorized' }] });
  });
});

describe('audiences', () => {
  test('are listed, and found by id and by slug', async () => {
    const list = await calls.lytics('/v2/segment?table=user&kind=all');
    expect(list.body).toMatchObject({ status: 200, request_id: expect.any(String) });
    const vip = rowsOf(list).find(({ slug_name }) => slug_name === 'vip');
    expect(vip).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      is_public: true,
      kind: 'segment',
      size: 250,
    });
    for (const key of ['vip', vip?.id])
      expect((await calls.lytics(`/v2/segment/${key}?sizes=true`)).body.data).toEqual(vip);
    expect((await calls.lytics('/v2/segment/vip')).body.data).not.toHaveProperty('size');
  });

  test('that do not exist answer 404, each API in its envelope', async () => {
    const v2 = await calls.lytics('/v2/segment/nobody');
    expect([v2.status, v2.body]).toEqual([
      404,
      { status: 404, errors: [{ code: 404, message: 'segment not found' }], request_id: expect.any(String) },
    ]);
    const v1 = await scan('', 'nobody');
    expect([v1.status, v1.body]).toEqual([404, { status: 404, data: null, message: 'segment not found' }]);
  });

  test('are listed and found in v1 too, with their sizes apart', async () => {
    const list = await calls.lytics('/api/segment?table=user&kind=all');
    expect(list.body).toMatchObject({ status: 200, message: 'success' });
    const vip = rowsOf(list).find(({ slug_name }) => slug_name === 'vip');
    expect(vip).toMatchObject({ name: 'VIP customers', is_public: true, size: 250 });
    for (const key of ['vip', vip?.id]) {
      const one = await calls.lytics(`/api/segment/${key}`);
      expect(one.body).toMatchObject({ status: 200, data: { id: vip?.id, slug_name: 'vip' } });
      const sizes = await calls.lytics(`/api/segment/${key}/sizes`);
      expect(sizes.body.data).toEqual({ id: vip?.id, slug_name: 'vip', name: 'VIP customers', size: 250 });
    }
    expect((await calls.lytics('/api/segment/nobody')).body).toEqual({
      status: 404,
      data: null,
      message: 'segment not found',
    });
    expect((await calls.lytics('/api/segment/nobody/sizes')).status).toBe(404);
  });

  test.each([
    ['absent', undefined],
    ['null', null],
    ['minus_one', -1],
    ['negative', -257],
    ['wrong', 517],
  ] as const)('with a size and a total that are %s', async (kind, told) => {
    await sandbox.admin.patchSettings({ lytics: { size: kind, total: kind } });
    expect((await calls.lytics('/api/segment/vip/sizes')).body.data).toEqual(
      expect.objectContaining(told === undefined ? { slug_name: 'vip' } : { size: told }),
    );
    const { body } = await scan('limit=1');
    expect(body.total).toBe(told);
    expect('total' in body).toBe(told !== undefined);
  });

  test('up to 500, with names of all kinds', async () => {
    const audiences = await sandbox.admin.audiences();
    expect(audiences.some(({ name }) => name.includes('"'))).toBe(true);
    expect(audiences.some(({ isPublic }) => !isPublic)).toBe(true);
    const many = await startSandbox({ users: 1, audiences: 498 });
    expect(new Set((await many.admin.audiences()).map(({ slug }) => slug)).size).toBe(500);
    await many.stop();
  });
});

describe('a scan', () => {
  test('has 20 rows per page by default, and at most 100', async () => {
    expect(rowsOf(await scan()).length).toBe(20);
    const first = await scan('limit=1000');
    expect(first.body).toMatchObject({ status: 200, message: 'success', total: 250 });
    expect(rowsOf(first).length).toBe(100);
  });

  test('with repeatable cursors: one a page, the same page again, an empty one at the end', async () => {
    const first = await scan('limit=100');
    const [second, again] = [await after(first), await after(first)];
    expect(second.body._next).not.toBe(first.body._next);
    expect(emails(again)).toEqual(emails(second));
    const last = await after(second);
    expect(last.body._next).toBe('');
    expect(new Set([first, second, last].flatMap(emails)).size).toBe(250);
  });

  test('with a scroll: the same string each time, and a repeated request skips a page', async () => {
    await sandbox.admin.patchSettings({ lytics: { cursor: 'scroll' } });
    const first = await scan('limit=100');
    const second = await after(first);
    expect(second.body._next).toBe(first.body._next);
    const third = await after(first);
    expect(emails(third)).not.toEqual(emails(second));
    expect(new Set([first, second, third].flatMap(emails)).size).toBe(250);
    expect(third.body._next).toBe('');
  });

  test.each([400, 404] as const)('with a cursor that is too old: %i', async (cursorErrorStatus) => {
    const first = await scan('limit=100');
    await sandbox.admin.patchSettings({ lytics: { cursorLifeSeconds: 0.05, cursorErrorStatus } });
    await setTimeout(100);
    expect((await after(first)).status).toBe(cursorErrorStatus);
  });

  test('may end with a cursor that returns nothing new', async () => {
    await sandbox.admin.patchSettings({ lytics: { lastPage: 'empty_page' } });
    let last = await after(await after(await scan('limit=100')));
    expect(last.body._next).not.toBe('');
    expect(rowsOf(await after(last))).toEqual([]);
    await sandbox.admin.patchSettings({ lytics: { lastPage: 'same_page', cursor: 'scroll' } });
    last = await after(await after(await scan('limit=100')));
    for (const page of [await after(last), await after(last)]) expect(emails(page)).toEqual(emails(last));
    expect((await after(last)).body._next).not.toBe('');
  });

  test('in disjoint splits that make up the whole', async () => {
    const [half, other] = [
      Array.from({ length: 50 }, (_, n) => n),
      Array.from({ length: 50 }, (_, n) => n + 50),
    ];
    const seen: unknown[] = [];
    for (const splits of [half, other]) {
      let page = await scan(`limit=100&splits=${splits}`);
      seen.push(...emails(page));
      for (; page.body._next !== ''; seen.push(...emails(page))) page = await after(page);
    }
    expect(seen.length).toBe(250);
    expect(new Set(seen).size).toBe(250);
    expect((await scan('splits=100')).status).toBe(400);
  });

  test('with `splits` ignored or refused', async () => {
    await sandbox.admin.patchSettings({ lytics: { splits: 'ignored' } });
    expect((await scan('splits=1,2&limit=1')).body.total).toBe(250);
    await sandbox.admin.patchSettings({ lytics: { splits: 'refused' } });
    expect((await scan('splits=1,2&limit=1')).status).toBe(400);
    expect((await scan('limit=1')).status).toBe(200);
  });

  test('may end before all rows were returned', async () => {
    await sandbox.admin.patchSettings({ lytics: { endAfterRows: 120 } });
    const first = await scan('limit=100');
    expect(first.body.total).toBe(250);
    const last = await after(first);
    expect([rowsOf(last).length, last.body._next]).toEqual([20, '']);
  });

  test('ends with `_next` null', async () => {
    await sandbox.admin.patchSettings({ lytics: { optionalKeys: 'null', endAfterRows: 10 } });
    expect((await scan('limit=100')).body._next).toBeNull();
    expect((await calls.lytics('/v2/segment/vip')).body.request_id).toBeNull();
  });

  test('with `fields`, which may drop `segments`', async () => {
    const [row] = rowsOf(await scan('fields=email,gy_profile_id'));
    expect(Object.keys(row ?? {}).sort()).toEqual(['email', 'gy_profile_id']);
    expect(rowsOf(await scan('fields=email,segments'))[0]).toHaveProperty('segments');
    await sandbox.admin.patchSettings({ lytics: { fieldsDropSegments: false } });
    expect(rowsOf(await scan('fields=email'))[0]).toHaveProperty('segments');
  });

  test('with rows that all, partly or never carry `segments`', async () => {
    const carrying = async () => rowsOf(await scan('limit=100')).filter((row) => 'segments' in row).length;
    expect(await carrying()).toBe(100);
    await sandbox.admin.patchSettings({ lytics: { rowSegments: 'some' } });
    expect(await carrying()).toBe(50);
    await sandbox.admin.patchSettings({ lytics: { rowSegments: 'none' } });
    expect(await carrying()).toBe(0);
  });

  test('with `segments` empty, or lacking the audience that is scanned', async () => {
    await sandbox.admin.patchSettings({ lytics: { rowSegments: 'empty' } });
    for (const { segments } of rowsOf(await scan())) expect(segments).toEqual([]);
    await sandbox.admin.patchSettings({ lytics: { rowSegments: 'without_scanned' } });
    const lists = rowsOf(await scan('limit=100')).map(({ segments }) => segments);
    expect(lists.flat().length).toBeGreaterThan(100);
    expect(lists.flat()).not.toContain('vip');
    expect(rowsOf(await scan('', 'cafe_kuchen')).flatMap(({ segments }) => segments)).toContain('vip');
  });

  test('with names in `segments`, and with numbers as strings', async () => {
    await sandbox.admin.patchSettings({
      lytics: { segmentsAs: 'name', statusAsString: true, numbersAsStrings: true },
    });
    const page = await scan('limit=1');
    expect(page.body).toMatchObject({ status: '200', total: '250' });
    expect(rowsOf(page)[0]?.segments).toContain('VIP customers');
  });

  test('accepts `segments=` as the definition of another audience', async () => {
    expect((await scan('segments=true')).status).toBe(400);
    const other = await scan('segments=cafe_kuchen&limit=1');
    expect(other.body.total).not.toBe(250);
  });

  test('shows public audiences only', async () => {
    const open = new Set(
      (await sandbox.admin.audiences()).filter(({ isPublic }) => isPublic).map(({ slug }) => slug),
    );
    for (const { segments } of rowsOf(await scan('limit=100')))
      for (const slug of Array.isArray(segments) ? segments : []) expect(open).toContain(slug);
  });

  test('returns any rows that were added', async () => {
    const [row] = await sandbox.admin.putRows({
      fields: { gy_profile_id: [1, 'é"\\'], odd: null },
      audiences: ['vip'],
    });
    const found = await calls.lytics('/api/segment/vip/scan?limit=1&sortfield=odd&sortorder=desc');
    expect(found.status).toBe(200);
    expect(await sandbox.admin.rows('é"\\')).toEqual([row]);
    await sandbox.admin.removeRow(row?.key ?? 0);
    expect(await sandbox.admin.rows('é"\\')).toEqual([]);
  });
});

describe('an ad-hoc scan', () => {
  const adHoc = (body: string, type = 'text/plain') =>
    calls.lytics('/api/segment/scan?table=user&limit=100', {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });

  test('accepts FilterQL as text', async () => {
    const wanted = Object.keys((await sandbox.admin.truth()).expected).slice(0, 40);
    const list = [...wanted, 'nobody'].map((uid) => JSON.stringify(uid)).join(',');
    const page = await adHoc(`FILTER AND (INCLUDE vip, gy_profile_id IN (${list})) FROM user`);
    expect(page.body).toMatchObject({ total: 40, _next: '' });
    expect(new Set(rowsOf(page).map((row) => row.gy_profile_id))).toEqual(new Set(wanted));
  });

  const every = (condition: string) => adHoc(`FILTER ${condition} FROM user`);

  test('without INCLUDE finds users in any audience, with their memberships', async () => {
    const [uid = '', slugs = []] = Object.entries((await sandbox.admin.truth()).expected)[3] ?? [];
    const page = await every(`gy_profile_id IN ("${uid}", "nobody")`);
    expect(rowsOf(page)).toMatchObject([{ gy_profile_id: uid, segments: expect.arrayContaining(slugs) }]);
    const rest = await every(`AND (gy_profile_id IN ("${uid}"), NOT INCLUDE vip)`);
    expect(rest.body).toMatchObject({ total: 0, data: [], _next: '' });
    await sandbox.admin.patchSettings({ lytics: { rowSegments: 'without_scanned' } });
    const included = await every(`AND (INCLUDE vip, gy_profile_id IN ("${uid}"))`);
    expect(rowsOf(included)[0]?.segments).not.toContain('vip');
  });

  test('has at most 100 rows per page, and continues with `start`', async () => {
    const ask = async (start: string) =>
      calls.lytics(`/api/segment/scan?table=user&limit=1000${start}`, {
        method: 'POST',
        body: 'FILTER OR (INCLUDE vip, NOT INCLUDE vip) FROM user',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      });
    const seen: unknown[] = [];
    let page = await ask('');
    for (; page.body._next !== ''; page = await ask(`&start=${page.body._next}`)) {
      expect(rowsOf(page).length).toBe(100);
      seen.push(...emails(page));
    }
    seen.push(...emails(page));
    expect(page.body.total).toBe((await sandbox.admin.info()).rows);
    expect(new Set(seen).size).toBe(page.body.total);
  });

  test.each([400, 403, 404] as const)('may be refused with %i', async (adHocScan) => {
    await sandbox.admin.patchSettings({ lytics: { adHocScan } });
    expect((await every('INCLUDE vip')).status).toBe(adHocScan);
  });

  test('refuses JSON and invalid FilterQL', async () => {
    expect((await adHoc('{"ql":"FILTER *"}', 'application/json')).status).toBe(400);
    expect((await adHoc('{"ql":"FILTER *"}')).status).toBe(400);
    expect((await adHoc('FILTER INCLUDE nobody')).status).toBe(400);
  });
});

describe('a user', () => {
  const entity = (value: string, query = 'segments=true&allsegments=true') =>
    calls.lytics(`/api/entity/user/gy_profile_id/${encodeURIComponent(value)}?${query}`);

  test('has the public audiences by slug, all of them by id', async () => {
    const [uid = '', slugs = []] = Object.entries((await sandbox.admin.truth()).expected)[7] ?? [];
    const { body } = await entity(uid);
    expect(body).toMatchObject({
      message: 'success',
      meta: { by_fields: expect.arrayContaining(['gy_profile_id']) },
    });
    const ids = await sandbox.admin.truth({ format: 'id', audiences: 'all' });
    expect(body.data).toMatchObject({ segments: expect.arrayContaining(slugs), gy_profile_id: uid });
    expect(body.data).toMatchObject({ segments_all: expect.arrayContaining(ids.expected[uid] ?? []) });
  });

  test('has `segments` unless they are declined, and `segments_all` on request', async () => {
    const [uid = ''] = Object.keys((await sandbox.admin.truth()).expected);
    const { data } = (await entity(uid, '')).body;
    expect(data).toHaveProperty('segments');
    expect(data).not.toHaveProperty('segments_all');
    expect((await entity(uid, 'segments=false')).body.data).not.toHaveProperty('segments');
  });

  test('on several profiles is the newest of them, or all as one', async () => {
    const gy_profile_id = ['shared', 'other'];
    const rows = await sandbox.admin.putRows(
      { fields: { gy_profile_id }, audiences: ['vip'] },
      { fields: { gy_profile_id, email: 'newest@example.com' }, audiences: ['cafe_kuchen'] },
    );
    expect((await entity('shared')).body.data).toMatchObject({
      email: 'newest@example.com',
      segments: ['cafe_kuchen'],
    });
    await sandbox.admin.patchSettings({ lytics: { sharedUid: 'merged' } });
    expect((await entity('shared')).body.data).toMatchObject({ segments: ['cafe_kuchen', 'vip'] });
    for (const { key } of rows) await sandbox.admin.removeRow(key);
  });

  test('may have any characters in the UID', async () => {
    const uid = 'a/b?c=%2F&d "é" 🎿';
    const [row] = await sandbox.admin.putRows({ fields: { gy_profile_id: uid }, audiences: ['vip'] });
    expect((await entity(uid)).body.data).toMatchObject({ segments: ['vip'] });
    await sandbox.admin.removeRow(row?.key ?? 0);
  });

  test('who is unknown or times out is a 200 with placeholder segments', async () => {
    for (const query of ['segments=true&allsegments=true', ''])
      expect((await entity('nobody', query)).body).toMatchObject({
        status: 200,
        message: 'Not Found',
        data: { segments: ['not_found', 'all'] },
      });
    await sandbox.admin.addFaults({ match: { method: 'entity' }, times: 1, action: { kind: 'timed_out' } });
    const [uid = ''] = Object.keys((await sandbox.admin.truth()).expected);
    expect((await entity(uid)).body).toMatchObject({
      message: 'Timed out',
      data: { segments: ['not_found', 'all'] },
    });
    expect((await entity(uid)).body.message).toBe('success');
  });
});
