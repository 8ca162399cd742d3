import { describe, expect, it } from 'vitest';
import { type LanesToRead, readLanes, sharesOf } from '../../src/activities/readLanes.ts';
import type { LaneToRead } from '../../src/activities/scanRows.ts';
import { BEGINNING, hundredthsOf } from '../../src/lanes.ts';
import type { Lytics, Row } from '../../src/lytics/client.ts';
import { unanswered } from '../../src/lytics/errors.ts';
import { MOST_ROW_BYTES } from '../../src/tuning.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

const LANES = 4;
const lanes: LaneToRead[] = hundredthsOf(LANES).map((hundredths) => ({
  hundredths,
  cursor: BEGINNING,
  seen: 0,
}));
const plan = { ...planOf(), lanes: { count: LANES, total: 4_000 } };

const user = (uid: string, more: Row = {}): Row => ({ gy_profile_id: uid, ...more });

/** Reads four lanes of a Lytics with this scan. */
function read(scan: Lytics['scan'], changes: Partial<LanesToRead> = {}, attempt = fakeAttempt()) {
  const lytics = fakeLytics({ scan, audience: async () => audience({}) });
  const input = { lytics, plan, lanes, size: 400, atOnce: 10, heaviest: 100, key: new Uint8Array(32) };
  return readLanes({ ...input, ...changes }, attempt);
}

/** Each lane has one user and many to follow. */
const first: Lytics['scan'] = async (_id, _start, { hundredths = [] } = {}) =>
  pageOf([user(`of ${hundredths[0]}`)], { next: 'more', total: 1_000 });

describe('the rows of a page', () => {
  it.each([
    [1_700, 10, [200, 200, 200, 200, 200, 200, 200, 100, 100, 100]],
    [800, 8, Array(8).fill(100)],
    [250, 1, [300]],
    [1, 1, [100]],
  ])('%i are shared by %i lanes in whole Lytics pages', (size, count, shares) => {
    expect(sharesOf(size, count)).toEqual(shares);
  });
});

describe('several lanes', () => {
  it('are read with their hundredths in each request, and each has a cursor of its own', async () => {
    const asked: string[] = [];
    const scan: Lytics['scan'] = async (_id, start, { hundredths = [] } = {}) => {
      asked.push(`${hundredths[0]} ${start}`);
      const rows = Array.from({ length: 100 }, (_, n) => user(`${hundredths[0]} ${start} ${n}`));
      return pageOf(rows, { next: `after ${hundredths[0]}`, total: 1_000 });
    };
    const result = await read(scan, { size: 800 });
    expect(result.rows).toHaveLength(800);
    expect(result).toMatchObject({ mixed: null, atOnce: 10 });
    expect(result.lanes.map(({ next, rows, total }) => [next?.start, rows, total])).toEqual(
      [0, 25, 50, 75].map((lane) => [`after ${lane}`, 200, 1_000]),
    );
    expect(asked.sort()).toEqual(
      [0, 25, 50, 75].flatMap((lane) => [`${lane} `, `${lane} after ${lane}`]).sort(),
    );
  });

  it('are independent: one expires, one is lossy, and the others are neither', async () => {
    const result = await read(
      async (_id, start, options) => {
        const lane = options?.hundredths?.[0];
        if (lane === 25) throw refuse(400);
        return { ...(await first('', start, options)), next: '', retried: lane === 50 };
      },
      { lanes: lanes.map((lane) => ({ ...lane, cursor: { ...BEGINNING, start: 'x' } })), size: 4 },
    );
    expect(result.lanes.map(({ expired, lossy }) => [expired, lossy])).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [false, false],
    ]);
    expect(result.rows).not.toContainEqual(user('of 25'));
  });

  it('have no more requests in flight than allowed', async () => {
    let inFlight = 0;
    let most = 0;
    await read(
      async (...args) => {
        most = Math.max(most, ++inFlight);
        await new Promise(setImmediate);
        inFlight--;
        return { ...(await first(...args)), next: '' };
      },
      { atOnce: 2 },
    );
    expect(most).toBe(2);
  });
});

describe('fewer requests are in flight from now on', () => {
  const slow = (retried: boolean, slowed: boolean): Promise<{ atOnce: number }> =>
    read(async (...args) => ({ ...(await first(...args)), next: '', retried, slowed }));

  it('after a 429, or a request that was sent twice', async () => {
    expect((await slow(false, false)).atOnce).toBe(10);
    expect((await slow(false, true)).atOnce).toBe(5);
    expect((await slow(true, false)).atOnce).toBe(5);
  });

  it('after an attempt that Lytics did not answer', async () => {
    let kept: object | undefined;
    const failing = fakeAttempt({
      keep({ details }) {
        kept = details?.();
      },
    });
    const scan: Lytics['scan'] = () => Promise.reject(unanswered('no answer'));
    let details = (): object => ({});
    const attempt = fakeAttempt({
      ...failing,
      keep(next) {
        details = next.details ?? details;
      },
    });
    await expect(read(scan, {}, attempt)).rejects.toMatchObject({ reason: 'no_answer' });
    kept = details();
    const next = fakeAttempt({ number: 2, resumedFrom: { ...kept, waits_for: null } });
    expect(await read(async (...args) => ({ ...(await first(...args)), next: '' }), {}, next)).toMatchObject({
      atOnce: 5,
    });
  });
});

describe('lanes that are not disjoint are detected on every page', () => {
  it('when Lytics returns the same row in two of them', async () => {
    const result = await read(async () => pageOf([user('ada', { tags: ['x'] })], { total: 1_000 }));
    expect(result).toMatchObject({
      rows: [],
      lanes: [],
      mixed: 'Lytics returned the same users in several lanes',
    });
  });

  it('but not when different users share a UID, or rows have none', async () => {
    const scan: Lytics['scan'] = async (_id, _start, { hundredths = [] } = {}) =>
      pageOf([user('shared', { email: `${hundredths[0]}@example.com` }), { segments: ['vip'] }]);
    expect(await read(scan)).toMatchObject({ mixed: null });
  });

  it('when a lane has far more users than its share', async () => {
    const scan: Lytics['scan'] = async (...args) => ({ ...(await first(...args)), total: 4_000 });
    expect((await read(scan)).mixed).toBe('Lytics reported 4,000 users in one of 4 lanes');
  });

  it('when Lytics refuses one', async () => {
    expect((await read(() => Promise.reject(refuse(400)))).mixed).toBe(
      'Lytics refused a lane (Lytics refuses)',
    );
  });
});

describe('a page holds no more bytes than a payload may have', () => {
  const heavy = (bytes: number): Lytics['scan'] => {
    const tag = 'x'.repeat(bytes);
    return async (_id, start, { hundredths = [] } = {}) =>
      pageOf([user(`${hundredths[0]} ${start}`, { segments: [tag] })], { next: `${start}.`, total: 1_000 });
  };

  it('so fewer lanes are read when Lytics pages are heavy', async () => {
    const bytes = MOST_ROW_BYTES * 0.4;
    const result = await read(heavy(bytes), { heaviest: bytes, size: 4 });
    expect(result.lanes.map(({ rows, lossy }) => [rows, lossy])).toEqual([
      [1, false],
      [1, false],
      [0, false],
      [0, false],
    ]);
    expect(result.heaviest).toBeGreaterThan(bytes);
    expect(result.lanes[2]?.next).toEqual(BEGINNING);
  });

  it('and lanes that turn out too heavy are read again', async () => {
    const result = await read(heavy(MOST_ROW_BYTES * 0.6), { heaviest: 100, size: 4 });
    expect(result.lanes.map(({ rows, lossy, next }) => [rows, lossy, next?.start])).toEqual([
      [1, false, '.'],
      [0, true, ''],
      [0, true, ''],
      [0, true, ''],
    ]);
  });

  it('and one Lytics page is always read', async () => {
    const [lane] = lanes;
    const result = await read(heavy(MOST_ROW_BYTES * 2), { lanes: lane ? [lane] : [], heaviest: 0 });
    expect(result.rows).toHaveLength(1);
  });

  it('so one lane begins while nothing is known of the rows', async () => {
    const result = await read(first, { heaviest: 0, size: 4 });
    expect(result.lanes.map(({ rows }) => rows > 0)).toEqual([true, false, false, false]);
  });
});
