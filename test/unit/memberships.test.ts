import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/activities/attempt.ts';
import { createCatalogues } from '../../src/activities/catalogues.ts';
import { audienceOf, lookUpProfile, lookUpUser, readMemberships } from '../../src/activities/memberships.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { Row } from '../../src/lytics/client.ts';
import { unanswered } from '../../src/lytics/errors.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, refuse } from '../support/fakeLytics.ts';

const vip = audience({});
const row = (uid: string, ...segments: string[]): Row => ({ gy_profile_id: uid, segments });

/** Reads the memberships of rows in a Lytics that has these profiles, by UID. */
async function read(rows: Row[], profiles: Record<string, Row> = {}, plan: Plan = planOf()) {
  const lookedUp: string[] = [];
  const lytics = fakeLytics({
    async profile(_field, uid) {
      lookedUp.push(uid);
      return profiles[uid];
    },
  });
  const memberships = await readMemberships(lytics, rows, plan, vip, fakeAttempt());
  return { memberships: rows.map((one) => memberships.get(one)?.audiences), lookedUp };
}

describe('the membership of a row', () => {
  it("is the row's when it names the audience that it was scanned from", async () => {
    const { memberships, lookedUp } = await read([row('a', 'vip', 'new'), row('b', 'vip')]);
    expect(memberships).toEqual([['vip', 'new'], ['vip']]);
    expect(lookedUp).toEqual([]);
  });

  it.each(['a1', 'vip', 'VIP customers'])('may name the audience as %s', async (name) => {
    expect((await read([row('a', name)])).lookedUp).toEqual([]);
  });

  it("is the profile's when the row has none", async () => {
    const { memberships } = await read([{ gy_profile_id: 'a' }, row('b', 'vip')], {
      a: row('a', 'vip', 'x'),
    });
    expect(memberships).toEqual([['vip', 'x'], ['vip']]);
  });

  it("is the profile's when the row contradicts the scan, because it may be outdated", async () => {
    const { memberships, lookedUp } = await read([row('a', 'old'), row('b', 'vip')], { a: row('a', 'vip') });
    expect(lookedUp).toEqual(['a']);
    expect(memberships).toEqual([['vip'], ['vip']]);
  });

  it("is the profile's, also when the user has left in the meantime", async () => {
    const { memberships } = await read([row('a', 'old'), row('b', 'vip')], { a: row('a', 'new') });
    expect(memberships).toEqual([['new'], ['vip']]);
  });

  it('is undefined for a user that Lytics does not find, who must not lose their values', async () => {
    const { memberships } = await read([row('a', 'old'), row('b', 'vip')]);
    expect(memberships).toEqual([undefined, ['vip']]);
  });

  it('is undefined where the profile shows none either, but a profile may have an empty list', async () => {
    const profiles = { a: { gy_profile_id: 'a' }, b: { gy_profile_id: 'b', segments_all: [] } };
    const { memberships } = await read([{ gy_profile_id: 'a' }, { gy_profile_id: 'b' }], profiles);
    expect(memberships).toEqual([undefined, []]);
  });

  it('is the only value from a profile: everything else is from the row', async () => {
    const scanned = { gy_profile_id: 'a', score: 5 };
    const profile = { ...row('a', 'vip'), segments_all: ['a1', 'b2'], score: 1 };
    const lytics = fakeLytics({ profile: async () => profile });
    const memberships = await readMemberships(lytics, [scanned], planOf(), vip, fakeAttempt());
    expect(memberships.get(scanned)).toEqual({ audiences: ['vip'], memberOf: ['vip', 'a1', 'b2'] });
  });

  it('is not looked up for rows without a UID', async () => {
    const { memberships, lookedUp } = await read([{ segments: ['old'] }, { gy_profile_id: '' }]);
    expect(memberships).toEqual([undefined, undefined]);
    expect(lookedUp).toEqual([]);
  });

  it('need not name an audience whose users do not carry it', async () => {
    const plan = planOf();
    delete plan.audience.label;
    const { memberships, lookedUp } = await read([row('a', 'new')], {}, plan);
    expect(memberships).toEqual([['new']]);
    expect(lookedUp).toEqual([]);
  });
});

describe('an audience that appears to be empty', () => {
  const rows = (count: number) => Array.from({ length: count }, (_, n) => row(`u${n}`, 'new'));
  const profiles = (count: number, ...named: number[]) =>
    Object.fromEntries(rows(count).map((one, n) => [`u${n}`, named.includes(n) ? row(`u${n}`, 'vip') : one]));

  it('ends the run before it is removed from every user', async () => {
    await expect(read(rows(5), profiles(5))).rejects.toMatchObject({
      type: 'Configuration',
      nonRetryable: true,
      message:
        'Neither the rows nor the profiles of 5 users of the audience "vip" name it, so it would be removed from everybody; open the audience to Lytics\' API, or give lytics a token that sees it',
    });
  });

  it('is a coincidence among four users', async () => {
    expect((await read(rows(4), profiles(4))).memberships).toEqual(Array(4).fill(['new']));
  });

  it('is not one when a single profile names it', async () => {
    expect((await read(rows(5), profiles(5, 3))).memberships[3]).toEqual(['vip']);
  });

  it('is not one when a single row names it', async () => {
    const { memberships } = await read([...rows(5), row('x', 'vip')], profiles(5));
    expect(memberships.at(-1)).toEqual(['vip']);
  });

  it('is not reported when Lytics finds no profiles', async () => {
    expect((await read(rows(5))).memberships).toEqual(Array(5).fill(undefined));
  });
});

describe("a user's profile", () => {
  const look = (profile: () => Promise<Row | undefined>) =>
    lookUpProfile(fakeLytics({ profile }), 'a', planOf(), fakeAttempt());

  it('has its audiences, if any', async () => {
    const known = row('a', 'vip');
    expect(await look(async () => known)).toEqual({ row: known, audiences: ['vip'], memberOf: ['vip'] });
    const inNone = { gy_profile_id: 'a', segments: [] };
    expect(await look(async () => inNone)).toEqual({ row: inNone, audiences: [], memberOf: [] });
  });

  it.each([
    { gy_profile_id: 'a' },
    { gy_profile_id: 'a', segments: null },
    { gy_profile_id: 'a', segments: null, segments_all: ['a1'] },
  ])('without the list that is exported says nothing: %j', async (profile) => {
    expect(await look(async () => profile)).toBeUndefined();
  });

  it('that is never answered, time after time and unlike that of others, says nothing', async () => {
    const unlucky = unanswered('Lytics answered "Timed out"');
    const lytics = fakeLytics({
      profile: async (_field, uid) => (uid === 'b' ? Promise.reject(unlucky) : row(uid, 'vip')),
    });
    const lookUp = (uid: string, attempt: Attempt) => lookUpUser(lytics, uid, planOf(), attempt);
    const early = fakeAttempt({ number: 4 });
    await lookUp('a', early);
    await expect(lookUp('b', early)).rejects.toBe(unlucky);
    const late = fakeAttempt({ number: 5 });
    await expect(lookUp('b', late)).rejects.toBe(unlucky);
    await lookUp('a', late);
    expect(await lookUp('b', late)).toBe('nothing');
  });

  it('does not exist when Lytics does not find it, or refuses to look', async () => {
    expect(await look(async () => undefined)).toBeUndefined();
    expect(await look(() => Promise.reject(refuse(400)))).toBeUndefined();
  });

  it.each([401, 403, 503])('is unknown while Lytics answers %i', async (status) => {
    await expect(look(() => Promise.reject(refuse(status)))).rejects.toThrow('Lytics refuses');
  });
});

describe("a run's audience", () => {
  const plan = planOf({}, { id: 'a1', slug: 'vip_at_the_start' });

  it('has all its names, as Lytics lists them now', async () => {
    const lytics = fakeLytics({ audiences: async () => [vip] });
    expect(await audienceOf(plan, lytics, createCatalogues(), fakeAttempt())).toEqual(vip);
  });

  it('may not have been closed to the API, unless all audiences are exported, or its users do not carry it', async () => {
    const lytics = fakeLytics({ audiences: async () => [audience({ is_public: false })] });
    const read = (one: Plan) => audienceOf(one, lytics, createCatalogues(), fakeAttempt());
    await expect(read(planOf())).rejects.toMatchObject({
      type: 'Configuration',
      message: expect.stringContaining('The audience "vip" was closed to Lytics\' API during the run'),
    });
    const { label: _, ...unlabelled } = planOf().audience;
    for (const one of [planOf({ audiences: 'all' }), { ...planOf(), audience: unlabelled }]) {
      expect(await read(one)).toMatchObject({ id: 'a1' });
    }
  });

  it('has the names of the plan when Lytics does not list it', async () => {
    expect(await audienceOf(plan, fakeLytics(), createCatalogues(), fakeAttempt())).toMatchObject({
      id: 'a1',
      slug_name: 'vip_at_the_start',
      name: undefined,
    });
  });
});
