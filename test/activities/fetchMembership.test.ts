import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FaultInput, Sandbox, Settings } from '../../sandbox/client.ts';
import type { MembersPage } from '../../src/activities/fetchMembership.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { ScanCursor } from '../../src/activities/scanRows.ts';
import type { JobDocument } from '../../src/job.ts';
import { BEGINNING } from '../../src/lanes.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf, openActivities, openUsers, planOf } from '../support/activityRig.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

const MEMBERS = 1_050;

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: MEMBERS, outsiders: 10 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  vi.useRealTimers();
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
});
afterAll(() => sandbox.stop());

const fault = (rule: FaultInput) => sandbox.admin.addFaults(rule);
const set = (lytics: Partial<Settings['lytics']>) => sandbox.admin.patchSettings({ lytics });

interface Fetching {
  activities?: Activities;
  cursor?: ScanCursor;
  seen?: number;
  size?: number;
  attempt?: number;
}

/** A page of one lane, and what was read of it. */
function laneOf(page: MembersPage) {
  const [lane] = page.lanes;
  if (!lane) throw new Error(`The page has no lane: ${page.mixed}`);
  return { ...page, ...lane };
}

type LanePage = ReturnType<typeof laneOf>;

async function fetchPage(
  plan: Plan,
  { activities, cursor = BEGINNING, seen = 0, size = 1_000, attempt = 1 }: Fetching = {},
) {
  const { fetchMembership } = activities ?? openActivities(sandbox.authorizationsFile);
  const lanes = [{ hundredths: null, cursor, seen }];
  const wanted = { plan, lanes, size, atOnce: 10, heaviest: 0 };
  return laneOf(await attemptOf({ attempt }).run(fetchMembership, wanted));
}

/** Goes through the whole audience, as a scan of a run does. */
async function walk(plan: Plan, activities = openActivities(sandbox.authorizationsFile)) {
  const pages: LanePage[] = [];
  const users = new Map<string, unknown>();
  let seen = 0;
  for (let cursor: ScanCursor | null = BEGINNING; cursor; ) {
    if (pages.length > 20) throw new Error('The scan does not end');
    const page: LanePage = await fetchPage(plan, { activities, cursor, seen });
    pages.push(page);
    seen += page.rows;
    for (const [uid, { audiences }] of await openUsers(sandbox.authorizationsFile, page.page))
      users.set(uid, audiences);
    cursor = page.next;
  }
  return { pages, users, seen };
}

/** What each member should carry; strangers are members without an account. */
async function expectTruth(
  users: Map<string, unknown>,
  question: Parameters<Sandbox['admin']['truth']>[0] = {},
) {
  const { expected, strangers } = await sandbox.admin.truth(question);
  expect(new Set(users.keys())).toEqual(new Set([...Object.keys(expected), ...strangers]));
  const different = Object.entries(expected).filter(
    ([uid, audiences]) => String(users.get(uid)) !== String([...audiences].sort()),
  );
  expect(different).toEqual([]);
}

let audiences = 0;
/** An audience of its own, with these profiles in it. */
async function audienceOf(
  ...profiles: { fields: Record<string, unknown>; also?: string[] }[]
): Promise<string> {
  const slug = `own_${++audiences}`;
  await sandbox.admin.addAudience({ slug, isPublic: true });
  if (profiles.length > 0)
    await sandbox.admin.putRows(
      ...profiles.map(({ fields, also = [] }) => ({ fields, audiences: [slug, ...also] })),
    );
  return slug;
}

const planFor = (slug: string, config: Partial<JobDocument['config']> = {}) =>
  planOf({ segment_id: slug, ...config }, { id: slug, slug, label: slug });

/** The one page of a small audience, opened. */
async function pageOf(plan: Plan, options: Fetching = {}) {
  const page = await fetchPage(plan, options);
  expect(page.next).toBeNull();
  return { ...page, users: await openUsers(sandbox.authorizationsFile, page.page) };
}

describe('the members of an audience', () => {
  it.each(['repeatable', 'scroll'] as const)(
    'come as many a page as were asked for, each with their audiences (%s cursor)',
    async (cursor) => {
      await set({ cursor });
      const { pages, users, seen } = await walk(planOf());
      expect(pages.map(({ counts, rows }) => [counts, rows])).toEqual([
        [{ members: 1_000, excluded: 0, no_gigya_id: 0, failed: 0 }, 1_000],
        [{ members: 50, excluded: 0, no_gigya_id: 0, failed: 0 }, 50],
      ]);
      expect(seen).toBe(MEMBERS);
      expect(pages).toMatchObject(
        Array(2).fill({
          total: MEMBERS,
          lossy: false,
          expired: false,
          failures: {},
          unlisted: [],
        }),
      );
      await expectTruth(users);
    },
  );

  it.each(['no_cursor', 'empty_page', 'same_page'] as const)('end by %s', async (lastPage) => {
    await set({ lastPage });
    const { users, seen, pages } = await walk(planOf());
    expect(seen).toBe(MEMBERS);
    expect(users.size).toBe(MEMBERS);
    expect(pages.some(({ lossy }) => lossy)).toBe(false);
  });

  it('end at a page without new users, even if Lytics lists their audiences in a different order each time', async () => {
    await set({ lastPage: 'same_page', shuffleSegments: true });
    const { users, seen } = await walk(planOf());
    expect(seen).toBe(MEMBERS);
    await expectTruth(users);
  });

  it.each([
    [1, 100],
    [100, 100],
    [250, 300],
  ])('arrive in whole Lytics pages: %i requested, %i returned', async (size, rows) => {
    expect(await fetchPage(planOf(), { size })).toMatchObject({ rows, total: MEMBERS, lossy: false });
  });

  it('can be empty', async () => {
    const slug = await audienceOf();
    expect(await pageOf(planFor(slug))).toMatchObject({
      page: null,
      counts: { members: 0 },
      rows: 0,
      total: 0,
      lossy: false,
    });
  });

  it.each([
    ['id', 'public'],
    ['name', 'public'],
    ['slug', 'all'],
  ] as const)('carry their audiences by %s, of %s', async (audience_format, which) => {
    // Rows do not name all audiences: each profile is looked up.
    const slug = await audienceOf(
      { fields: { gy_profile_id: `f-${audience_format}-1` }, also: ['newsletter_readers', 'internal_only'] },
      { fields: { gy_profile_id: `f-${audience_format}-2` }, also: ['internal_only'] },
    );
    const plan = planFor(slug, { audience_format, audiences: which });
    const { users } = await pageOf(plan);
    const found = new Map([...users].map(([uid, { audiences: names }]) => [uid, names]));
    await expectTruth(found, { audience: slug, format: audience_format, audiences: which });
    expect(/internal/i.test(String([...found.values()]))).toBe(which === 'all');
  });

  it('have display names in a row but carry slugs', async () => {
    await set({ segmentsAs: 'name' });
    const slug = await audienceOf({ fields: { gy_profile_id: 'n-1' }, also: ['newsletter_readers'] });
    const { users } = await pageOf(planFor(slug));
    expect(users.get('n-1')?.audiences).toEqual(['newsletter_readers', slug]);
  });
});

describe('the profile is looked up', () => {
  it.each(['none', 'some'] as const)('when a row lacks the audiences (%s has them)', async (rowSegments) => {
    await set({ rowSegments });
    const slug = await audienceOf(
      ...Array.from({ length: 30 }, (_, n) => ({
        fields: { gy_profile_id: `p-${rowSegments}-${n}` },
        also: ['newsletter_readers'],
      })),
    );
    await sandbox.admin.clearStats();
    const { users } = await pageOf(planFor(slug));
    expect(users.size).toBe(30);
    for (const { audiences: names } of users.values()) expect(names).toEqual(['newsletter_readers', slug]);
  });

  it('and a user without a profile is never exported: "not_found" is not an audience', async () => {
    await set({ rowSegments: 'none' });
    // Lytics cannot look users up by this field.
    const slug = await audienceOf({ fields: { other_id: 'x-1' } }, { fields: { other_id: ['x-2', 'x-3'] } });
    const page = await pageOf(planFor(slug, { gigya_id_field: 'other_id' }));
    expect(page).toMatchObject({
      page: null,
      counts: { members: 3, failed: 3 },
      rows: 2,
      failures: { not_in_lytics: 3 },
    });
  });

  it('again when Lytics returns "Timed out", which contains audiences that do not exist', async () => {
    await set({ rowSegments: 'none' });
    await fault({ match: { method: 'entity' }, times: 2, action: { kind: 'timed_out' } });
    const slug = await audienceOf({ fields: { gy_profile_id: 't-1' }, also: ['newsletter_readers'] });
    const { users } = await pageOf(planFor(slug));
    expect(users.get('t-1')?.audiences).toEqual(['newsletter_readers', slug]);
  });

  it('and the page is left to another attempt while Lytics times out', async () => {
    await set({ rowSegments: 'none' });
    await fault({ match: { method: 'entity', uid: 't-2' }, action: { kind: 'timed_out' } });
    const slug = await audienceOf({ fields: { gy_profile_id: 't-2' } }, { fields: { gy_profile_id: 't-3' } });
    expect(await failureOf(fetchPage(planFor(slug)))).toMatchObject({ type: 'Lytics', nonRetryable: false });
  });

  it('and only the user that Lytics refuses to look up fails', async () => {
    await set({ rowSegments: 'none' });
    await fault({ match: { method: 'entity', uid: 'r-1' }, action: { kind: 'lytics_error', status: 400 } });
    const slug = await audienceOf({ fields: { gy_profile_id: 'r-1' } }, { fields: { gy_profile_id: 'r-2' } });
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({ counts: { members: 2, failed: 1 }, failures: { not_in_lytics: 1 } });
    expect([...page.users.keys()]).toEqual(['r-2']);
  });
});

describe('the field with the Gigya UID', () => {
  it('may be missing, empty or null: those are counted', async () => {
    const slug = await audienceOf(
      { fields: { email: 'a@example.com' } },
      { fields: { gy_profile_id: '' } },
      { fields: { gy_profile_id: null } },
      { fields: { gy_profile_id: [] } },
      { fields: { gy_profile_id: 'has-one' } },
    );
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({ counts: { members: 5, no_gigya_id: 4, failed: 0 }, rows: 5, failures: {} });
    expect([...page.users.keys()]).toEqual(['has-one']);
  });

  it('may hold several UIDs: each is counted and carries the audiences', async () => {
    const slug = await audienceOf({
      fields: { gy_profile_id: ['s-1', 's-2', 's-1'] },
      also: ['newsletter_readers'],
    });
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({ counts: { members: 2 }, rows: 1, duplicates: 0 });
    expect([...page.users]).toEqual([
      ['s-1', { audiences: ['newsletter_readers', slug], copies: 1 }],
      ['s-2', { audiences: ['newsletter_readers', slug], copies: 1 }],
    ]);
  });

  it('may hold numbers, but not numbers that lost precision', async () => {
    const slug = await audienceOf(
      { fields: { gy_profile_id: 1_234_567_890 } },
      { fields: { gy_profile_id: '00123' } },
      { fields: { gy_profile_id: 2 ** 60 } },
      { fields: { gy_profile_id: [2 ** 61, 'good'] } },
    );
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({
      counts: { members: 5, no_gigya_id: 0, failed: 2 },
      rows: 4,
      failures: { imprecise_id: 2 },
    });
    expect([...page.users.keys()].sort()).toEqual(['00123', '1234567890', 'good']);
  });

  it('may hold any value that converts to a string', async () => {
    const odd = [
      'a"b\\c',
      'Žluťoučký-кот-猫-🎿',
      'tab\tline\n',
      'with space+plus&amp',
      '../..',
      'x'.repeat(2_000),
    ];
    await set({ rowSegments: 'none' });
    const slug = await audienceOf(...odd.map((uid) => ({ fields: { gy_profile_id: uid } })));
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({ counts: { members: 6, failed: 0 }, failures: {} });
    expect(new Set(page.users.keys())).toEqual(new Set(odd));
  });

  it('may hold one UID on several rows of a page: the profile that Lytics finds by it decides', async () => {
    await set({ sharedUid: 'newest' });
    const slug = await audienceOf(
      { fields: { gy_profile_id: 'twice', key: 1 }, also: ['newsletter_readers'] },
      { fields: { gy_profile_id: ['twice', 'once'], key: 2 }, also: ['lapsed_90_days'] },
    );
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({ counts: { members: 3 }, rows: 2, duplicates: 1 });
    expect(page.users.get('twice')).toEqual({ audiences: ['lapsed_90_days', slug], copies: 2 });
    expect(page.users.get('once')).toEqual({ audiences: ['lapsed_90_days', slug], copies: 1 });

    // A site that looks them up as one user.
    await set({ sharedUid: 'merged' });
    const merged = await pageOf(planFor(slug));
    expect(merged.users.get('twice')).toEqual({
      audiences: ['lapsed_90_days', 'newsletter_readers', slug],
      copies: 2,
    });
  });

  it('may hold one UID on several rows that Lytics does not find by it: the rows decide together', async () => {
    const slug = await audienceOf(
      { fields: { other_id: 'shared', key: 1 }, also: ['newsletter_readers'] },
      { fields: { other_id: 'shared', key: 2 }, also: ['lapsed_90_days'] },
    );
    const page = await pageOf(planFor(slug, { gigya_id_field: 'other_id' }));
    expect(page.users.get('shared')).toEqual({
      audiences: ['lapsed_90_days', 'newsletter_readers', slug],
      copies: 2,
    });
  });

  it('may hold more IDs than fit in a page: only that row fails', async () => {
    const many = Array.from({ length: 2_001 }, (_, n) => `many-${n}`);
    const slug = await audienceOf({ fields: { gy_profile_id: many } }, { fields: { gy_profile_id: 'm-1' } });
    const page = await pageOf(planFor(slug));
    expect(page).toMatchObject({
      counts: { members: 2, failed: 1 },
      rows: 2,
      failures: { too_many_ids: 1 },
    });
    expect([...page.users.keys()]).toEqual(['m-1']);
  });
});

describe('audiences that Lytics does not list', () => {
  it('are reported but not exported; a new audience is listed shortly afterwards', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const activities = openActivities(sandbox.authorizationsFile);
    const slug = await audienceOf({ fields: { gy_profile_id: 'u-1' } });
    await pageOf(planFor(slug), { activities });

    const other = await audienceOf();
    const later = await audienceOf({ fields: { gy_profile_id: 'u-2' }, also: [other] });
    const page = await pageOf(planFor(later), { activities });
    expect(page.unlisted).toEqual([other]);
    // The run's own audience is known from its preflight.
    expect(page.users.get('u-2')?.audiences).toEqual([later]);

    vi.setSystemTime(Date.now() + 6_000);
    const again = await pageOf(planFor(later), { activities });
    expect(again.unlisted).toEqual([]);
    expect(again.users.get('u-2')?.audiences).toEqual([later, other].sort());
  });

  it('are listed once for many pages', async () => {
    const activities = openActivities(sandbox.authorizationsFile);
    await sandbox.admin.clearStats();
    await walk(planOf(), activities);
    await walk(planOf(), activities);
    const { calls } = await sandbox.admin.stats();
    expect(calls['segments']).toEqual({ '200': 1 });
  });
});

describe('a repeated page', () => {
  it('in the middle of the scan is skipped', async () => {
    await fault({ match: { method: 'scan', after: 4 }, times: 2, action: { kind: 'repeat_page' } });
    const { users, seen } = await walk(planOf());
    expect(seen).toBe(MEMBERS);
    expect(users.size).toBe(MEMBERS);
  });

  it('again and again before all users were returned ends the scan as possibly incomplete', async () => {
    await fault({ match: { method: 'scan', after: 3 }, action: { kind: 'repeat_page' } });
    const page = await fetchPage(planOf());
    expect(page).toMatchObject({ rows: 300, total: MEMBERS, next: null, lossy: true });
  });
});

describe('a page may have been lost', () => {
  it('when a request was retried', async () => {
    await fault({ match: { method: 'scan', after: 2 }, times: 1, action: { kind: 'cut', applied: true } });
    expect(await fetchPage(planOf())).toMatchObject({ lossy: true });
  });

  it('when a previous attempt had started it', async () => {
    expect(await fetchPage(planOf(), { attempt: 2 })).toMatchObject({ rows: 1_000, lossy: true });
    expect(await fetchPage(planOf(), { attempt: 1 })).toMatchObject({ rows: 1_000, lossy: false });
  });

  it('but not when Lytics returned a rate limit', async () => {
    const slow: FaultInput['action'] = { kind: 'lytics_error', status: 429, retryAfterSeconds: 0.01 };
    await fault({ match: { method: 'scan' }, times: 6, action: slow });
    expect(await fetchPage(planOf())).toMatchObject({ rows: 1_000, lossy: false });
  });
});

describe('a cursor', () => {
  it.each([400, 404] as const)(
    'that expired (%i) is reported: the scan has to start again',
    async (cursorErrorStatus) => {
      await set({ cursorErrorStatus });
      const { next, rows } = await fetchPage(planOf());
      await fault({ match: { method: 'scan' }, action: { kind: 'expired_cursor' } });
      const page = await fetchPage(planOf(), { cursor: next ?? BEGINNING, seen: rows });
      expect(page).toMatchObject({ expired: true, page: null, counts: { members: 0 }, rows: 0, next: null });
    },
  );

  it('that expires within a page gives up the page: it is read again', async () => {
    await fault({ match: { method: 'scan', after: 3 }, action: { kind: 'expired_cursor' } });
    expect(await fetchPage(planOf())).toMatchObject({
      expired: true,
      page: null,
      counts: { members: 0 },
      rows: 0,
    });
  });
});

describe('an audience that was deleted', () => {
  it('ends the run with the fix', async () => {
    const { next } = await fetchPage(planOf());
    await fault({ match: { provider: 'lytics', method: 'scan' }, action: { kind: 'audience_deleted' } });
    await fault({ match: { provider: 'lytics', method: 'segment' }, action: { kind: 'audience_deleted' } });
    for (const cursor of [BEGINNING, next ?? BEGINNING]) {
      const failure = await failureOf(fetchPage(planOf(), { cursor }));
      expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
      expect(failure.message).toBe(
        'Lytics does not have the audience "vip" any more (scan audience: Lytics answered 404 "segment not found"); create it again, or choose another in config.segment_id',
      );
    }
  });
});

describe('Lytics', () => {
  it('whose token is revoked in the middle ends the run', async () => {
    const revoked = { kind: 'settings', settings: { lytics: { tokenRevoked: true } } } as const;
    await fault({ match: { method: 'scan', after: 2 }, action: revoked });
    expect(await failureOf(fetchPage(planOf()))).toMatchObject({ type: 'Configuration', nonRetryable: true });
  });

  it('that is unavailable is retried by Temporal', async () => {
    await fault({ match: { method: 'scan' }, action: { kind: 'html' } });
    expect(await failureOf(fetchPage(planOf()))).toMatchObject({ type: 'Lytics', nonRetryable: false });
  });
});

describe('the contents of the history', () => {
  it('contains no user data in plain text, neither in the page nor in the cursor', async () => {
    const page = await fetchPage(planOf());
    const written = JSON.stringify(page);
    const { expected } = await sandbox.admin.truth();
    for (const uid of Object.keys(expected)) expect(written).not.toContain(uid);
    expect(written).not.toContain('example.com');
    // About 30 bytes a user, and far below what a payload may have.
    expect(written.length).toBeLessThan(60_000);
  });
});

it('users who leave during the scan are no members any more, and their audience is not removed', async () => {
  const activities = openActivities(sandbox.authorizationsFile);
  const users = Array.from({ length: 150 }, (_, n) => ({ fields: { gy_profile_id: `leaving-${n}` } }));
  const slug = await audienceOf(...users);
  const plan = planFor(slug);
  const first = await fetchPage(plan, { activities, size: 100 });
  expect(first.counts).toMatchObject({ members: 100 });
  await sandbox.admin.leave(40, slug);
  const { expected, strangers } = await sandbox.admin.truth({ audience: slug });

  // The scan still returns them, but neither their rows nor their profiles name the audience.
  const second = await fetchPage(plan, { activities, size: 100, cursor: first.next ?? BEGINNING, seen: 100 });
  const written = await openUsers(sandbox.authorizationsFile, second.page);
  expect(second.rows).toBe(50);
  expect(written.size).toBe(second.counts.members);
  expect(written.size).toBeLessThan(50);
  for (const [uid, { audiences: names }] of written) {
    expect(names).toContain(slug);
    expect([...Object.keys(expected), ...strangers]).toContain(uid);
  }
});
