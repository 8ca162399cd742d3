import { describe, expect, it } from 'vitest';
import { type Comparing, compareWithLytics, shareFound } from '../../src/activities/compareWithLytics.ts';
import type { Lytics, Row } from '../../src/lytics/client.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

const FIELD = 'gy_profile_id';

interface World {
  /** Every profile that Lytics has. */
  rows: Row[];
  /** How ad-hoc scans are refused. */
  refused?: number;
  field?: string;
  slug?: string;
  id?: string;
  isExcluded?: Comparing['isExcluded'];
}

/** A comparison with a Lytics that has these profiles, and what it was asked. */
function comparisonIn({ rows, refused, field = FIELD, slug = 'vip', id = 'a1', isExcluded }: World) {
  const statements: string[] = [];
  const lookedUp: string[] = [];
  const uidsOf = (row: Row) => [row[field]].flat().map(String);
  const lytics: Lytics = fakeLytics({
    async find(statement, start) {
      if (refused !== undefined) throw refuse(refused);
      statements.push(statement);
      const [, include] = /INCLUDE ([^,]+),/.exec(statement) ?? [];
      const wanted = new Set([...statement.matchAll(/"([^"]+)"/g)].map(([, uid = '']) => uid));
      const matching = rows.filter(
        (row) =>
          uidsOf(row).some((uid) => wanted.has(uid)) &&
          (include === undefined || [row['segments']].flat().includes('vip')),
      );
      const from = Number(start || 0);
      const to = from + 100;
      return pageOf(matching.slice(from, to), { next: to < matching.length ? String(to) : '' });
    },
    async profile(_field, uid) {
      lookedUp.push(uid);
      return rows.findLast((row) => uidsOf(row).includes(uid));
    },
  });
  const comparing: Comparing = {
    lytics,
    plan: planOf({ gigya_id_field: field }),
    audience: audience({ slug_name: slug, id }),
    attempt: fakeAttempt(),
    isExcluded,
  };
  return { comparing, statements, lookedUp };
}

const user = (uid: string | string[], ...segments: string[]): Row => ({ [FIELD]: uid, segments });

describe('users who carry the audience are compared with Lytics', () => {
  it('with one statement for its members and a second for the users missing from it', async () => {
    const { comparing, statements, lookedUp } = comparisonIn({
      rows: [user('a', 'vip'), user('b', 'new'), user('c', 'vip', 'new')],
    });
    const { leavers, members } = await compareWithLytics(['a', 'b', 'c'], comparing);
    expect([...members]).toEqual(['a', 'c']);
    expect(leavers).toEqual([{ uid: 'b', row: user('b', 'new'), audiences: ['new'], memberOf: ['new'] }]);
    expect(statements).toEqual([
      'FILTER AND (INCLUDE vip, gy_profile_id IN ("a", "b", "c")) FROM user',
      'FILTER AND (gy_profile_id IN ("b")) FROM user',
    ]);
    expect(lookedUp).toEqual([]);
  });

  it('and a user who entered the audience again between the two is a member', async () => {
    const { comparing, lookedUp } = comparisonIn({ rows: [user('a', 'vip'), user('b', 'new')] });
    const { find } = comparing.lytics;
    comparing.lytics.find = async (statement, start) =>
      statement.includes('INCLUDE') ? pageOf([]) : find(statement, start);
    const { leavers, members } = await compareWithLytics(['a', 'b'], comparing);
    expect([...members]).toEqual(['a']);
    expect(leavers.map(({ uid }) => uid)).toEqual(['b']);
    expect(lookedUp).toEqual([]);
  });

  it('and members whom the job excludes are identified from their rows', async () => {
    const { comparing, lookedUp } = comparisonIn({
      rows: [user('a', 'vip'), user('b', 'vip', 'staff'), user('c', 'staff')],
      isExcluded: (memberOf) => memberOf.includes('staff'),
    });
    const { leavers, excluded, members } = await compareWithLytics(['a', 'b', 'c'], comparing);
    const uids = [leavers, excluded].map((users) => users.map(({ uid }) => uid));
    expect([...uids, [...members]]).toEqual([['c'], ['b'], ['a']]);
    expect(lookedUp).toEqual([]);
    expect(await shareFound(['a', 'b'], comparing)).toBe(1);
  });

  it('and the profile decides for an excluded member whose row has no membership', async () => {
    const { comparing } = comparisonIn({ rows: [], isExcluded: (memberOf) => memberOf.includes('staff') });
    comparing.lytics.find = async () => pageOf([{ [FIELD]: 'a' }]);
    comparing.lytics.profile = async () => user('a', 'vip', 'staff');
    const { excluded } = await compareWithLytics(['a'], comparing);
    expect(excluded).toEqual([expect.objectContaining({ uid: 'a', audiences: ['vip', 'staff'] })]);
  });

  it('in groups of a hundred', async () => {
    const uids = Array.from({ length: 250 }, (_, n) => `u${n}`);
    const { comparing, statements } = comparisonIn({ rows: uids.map((uid) => user(uid, 'vip')) });
    const { members, leavers } = await compareWithLytics(uids, comparing);
    expect(members.size).toBe(250);
    expect(leavers).toEqual([]);
    expect(statements.map((statement) => statement.split('"').length >> 1).sort()).toEqual([100, 100, 50]);
  });

  it('to the last page of a statement: several profiles may share a UID', async () => {
    const shared = Array.from({ length: 150 }, () => user('a', 'vip'));
    const { comparing } = comparisonIn({ rows: [...shared, user('b', 'vip')] });
    expect([...(await compareWithLytics(['a', 'b'], comparing)).members].sort()).toEqual(['a', 'b']);
  });

  it('and a user missing from both is not unknown until their profile was looked up', async () => {
    const { comparing, lookedUp } = comparisonIn({ rows: [user('a', 'vip')] });
    const { leavers } = await compareWithLytics(['a', 'gone'], comparing);
    // A member shows that look-ups find users by this field.
    expect(lookedUp).toEqual(['gone', 'a']);
    expect(leavers).toEqual([{ uid: 'gone', row: undefined, audiences: [], memberOf: [] }]);
  });

  it('and a profile that names the audience makes the user a member', async () => {
    const { comparing } = comparisonIn({ rows: [] });
    comparing.lytics.profile = async () => user('a', 'vip');
    expect((await compareWithLytics(['a'], comparing)).members).toEqual(new Set(['a']));
  });

  it('and a user whose look-up Lytics rejects keeps the audience, but proves nothing', async () => {
    const { comparing } = comparisonIn({ rows: [user('a', 'vip')] });
    comparing.lytics.profile = async () => Promise.reject(refuse(400));
    const { leavers, members, silent } = await compareWithLytics(['a', 'odd'], comparing);
    expect([leavers, [...members], silent]).toEqual([[], ['a'], 1]);
    expect(await shareFound(['a', 'odd'], comparing)).toBe(0.5);
  });

  it('and a user whose profile has no list of audiences keeps the audience', async () => {
    const { comparing } = comparisonIn({ rows: [user('a', 'vip')] });
    comparing.lytics.profile = async () => ({ [FIELD]: 'odd' });
    const { leavers, members, silent } = await compareWithLytics(['a', 'odd'], comparing);
    expect([leavers, [...members], silent]).toEqual([[], ['a'], 1]);
  });

  it('and nobody is unknown where a look-up does not find members either', async () => {
    const { comparing } = comparisonIn({ rows: [user('a', 'vip')] });
    comparing.lytics.profile = async () => undefined;
    expect((await compareWithLytics(['a', 'odd'], comparing)).leavers).toEqual([]);
  });

  it('and a user on several rows is not unknown when the look-up does not find them', async () => {
    const { comparing } = comparisonIn({ rows: [user('a', 'vip'), user('b', 'gold'), user('b', 'gold')] });
    const { profile } = comparing.lytics;
    comparing.lytics.profile = async (field, uid) => (uid === 'b' ? undefined : profile(field, uid));
    expect((await compareWithLytics(['a', 'b'], comparing)).leavers).toEqual([]);
  });

  it('and a row without a membership is looked up', async () => {
    const { comparing } = comparisonIn({ rows: [{ [FIELD]: 'a' }] });
    comparing.lytics.profile = async () => user('a', 'gold');
    const { leavers } = await compareWithLytics(['a'], comparing);
    expect(leavers).toMatchObject([{ uid: 'a', audiences: ['gold'] }]);
  });

  it.each<[what: string, members: Row[], audiences: string[]]>([
    ['may be wrong where the rows of members are empty as well', [user('m')], ['new']],
    ['may be wrong where there are no members to tell', [], ['new']],
    ['is right where the rows of members name the audience', [user('m', 'vip')], []],
  ])('and a row with an empty list %s', async (_what, members, audiences) => {
    const { comparing } = comparisonIn({ rows: [] });
    comparing.lytics.find = async (statement) =>
      pageOf(statement.includes('INCLUDE') ? members : [user('a')]);
    comparing.lytics.profile = async () => user('a', 'new');
    expect((await compareWithLytics(['a', 'm'], comparing)).leavers).toEqual([
      expect.objectContaining({ uid: 'a', audiences }),
      ...(members.length === 0 ? [expect.objectContaining({ uid: 'm' })] : []),
    ]);
  });

  it('and the profile decides whether a member is excluded whose row does not name the audience', async () => {
    const { comparing } = comparisonIn({ rows: [], isExcluded: (memberOf) => memberOf.includes('staff') });
    comparing.lytics.find = async () => pageOf([user('a', 'new')]);
    comparing.lytics.profile = async () => user('a', 'vip', 'staff');
    expect((await compareWithLytics(['a'], comparing)).excluded).toMatchObject([{ uid: 'a' }]);
  });

  it('and the profile decides for a UID that several rows share', async () => {
    const { comparing, lookedUp } = comparisonIn({
      rows: [user('a', 'old'), user(['a', 'b'], 'new'), user('c', 'old')],
    });
    const { leavers } = await compareWithLytics(['a', 'c'], comparing);
    expect(lookedUp).toEqual(['a']);
    expect(leavers.map(({ uid, audiences }) => [uid, audiences])).toEqual([
      ['c', ['old']],
      ['a', ['new']],
    ]);
  });
});

describe('UIDs that a statement cannot contain', () => {
  it('are looked up one by one, and are in no statement', async () => {
    const odd = ['a"b', 'Žluťoučký', 'with space', 'x'.repeat(300)];
    const { comparing, statements, lookedUp } = comparisonIn({
      rows: [user('a', 'vip'), user('a"b', 'vip'), user('Žluťoučký', 'new')],
    });
    const { members, leavers } = await compareWithLytics(['a', ...odd], comparing);
    expect([...members].sort()).toEqual(['a', 'a"b']);
    expect(leavers.map(({ uid }) => uid)).toEqual(['Žluťoučký', 'with space', 'x'.repeat(300)]);
    expect([...lookedUp].sort()).toEqual(['a', ...odd].sort());
    expect(statements).toEqual(['FILTER AND (INCLUDE vip, gy_profile_id IN ("a")) FROM user']);
  });

  it('are all where the ID field is not a name that a statement can contain', async () => {
    const { comparing, statements, lookedUp } = comparisonIn({
      rows: [{ 'gy-profile.id': 'a', segments: ['vip'] }],
      field: 'gy-profile.id',
    });
    expect((await compareWithLytics(['a', 'b'], comparing)).members).toEqual(new Set(['a']));
    expect(statements).toEqual([]);
    expect([...lookedUp].sort()).toEqual(['a', 'b']);
  });
});

describe('a site that does not allow ad-hoc scans', () => {
  it.each([400, 404, 422])('(%i): every user is looked up', async (refused) => {
    const { comparing, lookedUp } = comparisonIn({ rows: [user('a', 'vip'), user('b', 'new')], refused });
    const { members, leavers } = await compareWithLytics(['a', 'b', 'c'], comparing);
    expect([...members]).toEqual(['a']);
    expect(leavers.map(({ uid, audiences }) => [uid, audiences]).sort()).toEqual([
      ['b', ['new']],
      ['c', []],
    ]);
    expect([...lookedUp].sort()).toEqual(['a', 'b', 'c']);
  });

  it('for the second statement only: users missing from the first are looked up', async () => {
    const { comparing, lookedUp } = comparisonIn({ rows: [user('a', 'vip'), user('b', 'new')] });
    const { find } = comparing.lytics;
    comparing.lytics.find = async (statement, start) => {
      if (!statement.includes('INCLUDE')) throw refuse(400);
      return find(statement, start);
    };
    expect((await compareWithLytics(['a', 'b'], comparing)).members).toEqual(new Set(['a']));
    expect(lookedUp).toEqual(['b']);
  });

  it.each([401, 503])('is not assumed when Lytics answers %i', async (refused) => {
    const { comparing, lookedUp } = comparisonIn({ rows: [], refused });
    await expect(compareWithLytics(['a'], comparing)).rejects.toThrow('Lytics refuses');
    expect(lookedUp).toEqual([]);
  });
});

describe('the audience in a statement', () => {
  it.each([
    ['its slug', 'vip_2024', 'a1', 'INCLUDE vip_2024,'],
    ['its id where the slug is not a name', 'big-spenders', 'a50f', 'INCLUDE a50f,'],
    ['its slug where neither is', '2024_buyers', '50fa', 'INCLUDE 2024_buyers,'],
  ])('is named by %s', async (_what, slug, id, include) => {
    const { comparing, statements } = comparisonIn({ rows: [user('a', 'vip')], slug, id });
    await compareWithLytics(['a'], comparing);
    expect(statements[0]).toContain(include);
  });
});

describe('the share of members that look-ups find', () => {
  it('is the share of the UIDs', async () => {
    const { comparing } = comparisonIn({ rows: [user('a', 'vip'), user('b', 'vip'), user('c', 'new')] });
    expect(await shareFound(['a', 'b', 'c', 'd'], comparing)).toBe(0.5);
    expect(await shareFound(['a'], comparing)).toBe(1);
  });

  it('is unknown without users', async () => {
    expect(await shareFound([], comparisonIn({ rows: [] }).comparing)).toBeUndefined();
  });
});
