import { describe, expect, it } from 'vitest';
import { RowBudget } from '../../src/activities/rowBudget.ts';
import {
  type LaneToRead,
  type RowsToScan,
  type ScanCursor,
  scanRows,
} from '../../src/activities/scanRows.ts';
import { BEGINNING } from '../../src/lanes.ts';
import type { Lytics, Row, ScanPage } from '../../src/lytics/client.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

const KEY = new Uint8Array(32);

/** Scans a Lytics whose pages are these, by number; the last one comes again and again. */
function scan(pages: ScanPage[], changes: Partial<RowsToScan & LaneToRead> & { attempt?: number } = {}) {
  const starts: string[] = [];
  const lytics = fakeLytics({
    async scan(_id, start) {
      starts.push(start);
      return pages[starts.length - 1] ?? pages.at(-1) ?? pageOf([]);
    },
  });
  const { attempt = 1, cursor = BEGINNING, seen = 0, hundredths = null, ...more } = changes;
  const lane = { cursor, seen, hundredths };
  const budget = new RowBudget(1, 0);
  const input = { lytics, plan: planOf(), lane, size: 1_000, budget, key: KEY, ...more };
  return scanRows(input, fakeAttempt({ number: attempt })).then((scanned) => ({ ...scanned, starts }));
}

const users = (...uids: string[]): Row[] => uids.map((uid) => ({ gy_profile_id: uid }));
const next = (cursor: string, total?: number) => ({ next: cursor, total });

describe('a scan of rows', () => {
  it('reads pages until it has the requested number of rows', async () => {
    const pages = [pageOf(users('a', 'b'), next('1', 6)), pageOf(users('c', 'd'), next('2', 6))];
    const scanned = await scan([...pages, pageOf(users('e', 'f'), next('3', 6))], { size: 3 });
    expect(scanned).toMatchObject({
      rows: users('a', 'b', 'c', 'd'),
      next: { start: '2', blind: 0 },
      total: 6,
      lossy: false,
      expired: false,
      starts: ['', '1'],
    });
  });

  it.each<[what: string, pages: ScanPage[]]>([
    ['without a cursor', [pageOf(users('a'), next('1')), pageOf(users('b'))]],
    ['that is empty', [pageOf(users('a'), next('1')), pageOf(users('b'), next('2')), pageOf([], next('3'))]],
    [
      'that came before',
      [pageOf(users('a'), next('x')), pageOf(users('b'), next('x')), pageOf(users('b'), next('x'))],
    ],
  ])('ends at a page %s', async (_what, pages) => {
    expect(await scan(pages)).toMatchObject({ rows: users('a', 'b'), next: null, lossy: false });
  });

  it('continues from its cursor, and knows the previous page', async () => {
    const first = await scan([pageOf(users('a', 'b'), next('x'))], { size: 2 });
    const cursor: ScanCursor = first.next ?? BEGINNING;
    const second = await scan([pageOf(users('b', 'a'), next('x'))], { cursor, seen: 2 });
    expect(second).toMatchObject({ rows: [], next: null, starts: ['x'] });
  });

  it('may have lost a page when a request was retried or a previous attempt had started', async () => {
    expect(await scan([pageOf(users('a'), { retried: true })])).toMatchObject({ lossy: true });
    expect(await scan([pageOf(users('a'))], { attempt: 2 })).toMatchObject({ lossy: true });
    expect(await scan([pageOf(users('a'))])).toMatchObject({ lossy: false });
  });

  it('reveals no row data in its cursor', async () => {
    const { next: cursor } = await scan([pageOf(users('ada@example.com'), next('1'))], { size: 1 });
    expect(JSON.stringify(cursor)).not.toContain('ada');
    const other = await scan([pageOf(users('ada@example.com'), next('1'))], {
      size: 1,
      key: new Uint8Array(32).fill(1),
    });
    expect(other.next?.before).not.toBe(cursor?.before);
  });
});

describe('a page that was returned before', () => {
  const again = pageOf(users('b'), next('x', 4));

  it('is skipped while users are missing', async () => {
    const pages = [pageOf(users('a'), next('x', 4)), again, again, pageOf(users('c', 'd'), { total: 4 })];
    expect(await scan(pages)).toMatchObject({
      rows: users('a', 'b', 'c', 'd'),
      next: null,
      lossy: false,
    });
  });

  it('is skipped as often as it takes, if others come between', async () => {
    const twice = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((uid) => [uid, uid]);
    const pages = twice.map((uid) => pageOf(users(uid), next('x', 6)));
    expect(await scan(pages)).toMatchObject({ rows: users('a', 'b', 'c', 'd', 'e', 'f'), lossy: false });
  });

  it('four times ends the scan as possibly incomplete', async () => {
    const scanned = await scan([pageOf(users('a'), next('x', 4)), again]);
    expect(scanned).toMatchObject({ rows: users('a', 'b'), next: null, lossy: true });
    expect(scanned.starts).toHaveLength(6);
  });

  it('ends the scan when all users were returned', async () => {
    const scanned = await scan([pageOf(users('a'), next('x', 2)), pageOf(users('b'), next('x', 2))]);
    expect(scanned).toMatchObject({ rows: users('a', 'b'), next: null, lossy: false });
  });

  it('is recognized by its users, in any order and with any other changes in the rows', async () => {
    const one: Row[] = [
      { gy_profile_id: ['a', 'b'], segments: ['x', 'y'], seen: 1 },
      { email: 'c@example.com', segments: ['x', 'y'] },
    ];
    const other: Row[] = [
      { email: 'c@example.com', segments: ['y', 'x'] },
      { gy_profile_id: ['b', 'a'], segments: ['y'], seen: 2 },
    ];
    expect(await scan([pageOf(one, next('x')), pageOf(other, next('x'))])).toMatchObject({
      rows: one,
      next: null,
    });
  });

  it('is not one that has only some of the same users', async () => {
    const pages = [pageOf(users('a', 'b'), next('x')), pageOf(users('b', 'c'))];
    expect((await scan(pages)).rows).toEqual(users('a', 'b', 'b', 'c'));
  });
});

describe('equal rows identify no user', () => {
  const nameless = (count: number): Row[] => Array.from({ length: count }, () => ({ segments: ['vip'] }));

  it('so equal pages are read up to the total', async () => {
    const page = pageOf(nameless(2), next('x', 6));
    const pages = [page, page, pageOf(nameless(2), { total: 6 })];
    expect(await scan(pages)).toMatchObject({ rows: nameless(6), next: null, lossy: false });
  });

  it('but the others on their page do', async () => {
    const page = pageOf([...nameless(2), ...users('a')], next('x'));
    expect(await scan([page, page])).toMatchObject({ rows: page.rows, next: null });
  });

  it('nor does a single row, whatever it contains', async () => {
    const page = pageOf(nameless(1), next('x', 3));
    const pages = [page, page, pageOf(nameless(1), { total: 3 })];
    expect(await scan(pages)).toMatchObject({ rows: nameless(3), next: null, lossy: false });
  });

  it('and a hundred blind pages end a scan without a total as possibly incomplete', async () => {
    const page = pageOf(nameless(2), next('x'));
    const scanned = await scan([page], { size: 100_000 });
    expect(scanned).toMatchObject({ next: null, lossy: true });
    expect(scanned.starts).toHaveLength(101);
    expect(scanned.rows).toHaveLength(200);
  });

  it('and a scan with a total continues beyond that', async () => {
    const pages = Array.from({ length: 150 }, () => pageOf(nameless(2), next('x', 300)));
    const scanned = await scan([...pages.slice(1), pageOf(nameless(2), { total: 300 })], { size: 100_000 });
    expect(scanned).toMatchObject({ next: null, lossy: false });
    expect(scanned.rows).toHaveLength(300);
  });

  it('and blind pages are counted across attempts until a page identifies a user', async () => {
    const blind = await scan([pageOf(nameless(2), next('x'))], { size: 4 });
    expect(blind.next).toMatchObject({ blind: 2 });
    const cursor = blind.next ?? BEGINNING;
    const more = await scan([pageOf(nameless(2), next('x'))], { size: 2, cursor });
    expect(more.next).toMatchObject({ blind: 3 });
    const seen = await scan([pageOf(users('a', 'b'), next('x'))], { size: 2, cursor });
    expect(seen.next).toMatchObject({ blind: 0 });
  });
});

describe('a UID that several rows share identifies no user', () => {
  const placeholder = (email?: string): Row => ({ gy_profile_id: 'undefined', ...(email && { email }) });
  const last = pageOf(users('a', 'b'));

  it('so a scan goes on past pages of it, without a total as well', async () => {
    const pages = ['1', '2', '3'].map((n) => pageOf([placeholder(n), placeholder(`${n}b`)], next(n)));
    expect(await scan([...pages, last])).toMatchObject({ next: null, lossy: false, rows: { length: 8 } });
  });

  it('also where the rows are equal', async () => {
    const page = pageOf([placeholder(), placeholder()], next('x'));
    expect(await scan([page, page, last])).toMatchObject({ next: null, lossy: false, rows: { length: 6 } });
  });

  it('but a page with the same rows was returned before', async () => {
    const page = pageOf([placeholder('1'), placeholder('2')], next('x'));
    expect(await scan([page, page])).toMatchObject({ next: null, lossy: false, rows: { length: 2 } });
  });

  it('and a hundred such pages end a scan without a total as possibly incomplete', async () => {
    const pages = Array.from({ length: 110 }, (_, n) =>
      pageOf([placeholder(`${n}`), placeholder(`${n}b`)], next('x')),
    );
    expect(await scan(pages, { size: 100_000 })).toMatchObject({ next: null, lossy: true });
  });
});

describe('the size of rows', () => {
  const sizeWith = async (row: Row) => (await scan([pageOf([row])])).bytes;

  it('counts each of their UIDs, and the mapped fields once for each', async () => {
    const many = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(32, '0'));
    expect(await sizeWith({ gy_profile_id: many })).toBeGreaterThan(100 * 32);
    const plan = planOf({ mappings: [{ bio: 'bio' }] });
    const row = { gy_profile_id: many, bio: 'x'.repeat(1_000) };
    expect((await scan([pageOf([row])], { plan })).bytes).toBeGreaterThan(100 * 1_000);
  });

  it('does not count those of a row that fails for having too many', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => String(n));
    expect(await sizeWith({ gy_profile_id: many })).toBeLessThan(1_000);
  });
});

describe('Lytics does not accept the cursor', () => {
  const refusing = (changes: Partial<Lytics> = {}) =>
    fakeLytics({ scan: () => Promise.reject(refuse(400)), ...changes });
  const later: ScanCursor = { start: 'x', before: '', blind: 0 };

  it('so the scan has to start again', async () => {
    expect(await scan([], { lytics: refusing(), cursor: later })).toMatchObject({
      expired: true,
      rows: [],
      next: null,
    });
  });

  it('at the first page, which has none: a configuration fault', async () => {
    await expect(scan([], { lytics: refusing() })).rejects.toMatchObject({
      type: 'Configuration',
      nonRetryable: true,
      message: expect.stringContaining('check config.segment_id and lytics.base_url'),
    });
  });

  it('because the audience was deleted: a configuration fault', async () => {
    const lytics = refusing({ audience: () => Promise.reject(refuse(404)) });
    await expect(scan([], { lytics, cursor: later })).rejects.toMatchObject({
      type: 'Configuration',
      message: expect.stringContaining('Lytics does not have the audience "vip" any more'),
    });
  });

  it('which is inconclusive while Lytics cannot return the audience', async () => {
    const lytics = refusing({ audience: () => Promise.reject(refuse(503)) });
    await expect(scan([], { lytics, cursor: later })).rejects.toMatchObject({ retry: 'now' });
  });

  it('but other errors are passed on', async () => {
    const lytics = fakeLytics({
      scan: () => Promise.reject(refuse(401)),
      audience: async () => audience({}),
    });
    await expect(scan([], { lytics, cursor: later })).rejects.toMatchObject({ scope: 'job' });
  });
});
