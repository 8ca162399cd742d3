import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, Settings } from '../../sandbox/client.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import { beginLanes, lanesToRead, seenIn } from '../../src/workflows/lanes.ts';
import { adaptLanes, beginRun, stepPast } from '../../src/workflows/run.ts';
import { attemptOf } from '../support/activity.ts';
import { changedAuthorizations, openActivities, openUsers } from '../support/activityRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

const MEMBERS = 2_300;

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: MEMBERS });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
});
afterAll(() => sandbox.stop());

const set = (lytics: Partial<Settings['lytics']>) => sandbox.admin.patchSettings({ lytics });
const job = jobDocument('Lanes');

async function preflight(authorizationsFile = sandbox.authorizationsFile): Promise<Plan> {
  return attemptOf().run(openActivities(authorizationsFile).preflight, job);
}

/** What `client check` reports about lanes. */
async function checked(): Promise<string | undefined> {
  const results = await attemptOf().run(openActivities(sandbox.authorizationsFile).checkJob, job);
  return results.find(({ what }) => what === 'lanes')?.found;
}

/** Reads the whole audience in pages of this size, as a run does. */
async function walk(plan: Plan, { pageSize = 600, lanes = plan.lanes?.count ?? 1 } = {}) {
  const { fetchMembership } = openActivities(sandbox.authorizationsFile);
  const run = beginRun(0);
  run.scan.lanes = beginLanes(lanes);
  const users: string[] = [];
  const rows: number[] = [];
  for (;;) {
    const { scan, lanesAtOnce: atOnce } = run;
    const reading = lanesToRead(scan.lanes, pageSize, atOnce);
    if (reading.length === 0) return { run, users, rows, mixed: null };
    const toRead = reading.flatMap(({ hundredths, cursor, seen }) =>
      cursor ? [{ hundredths, cursor, seen }] : [],
    );
    const input = { plan, lanes: toRead, size: pageSize, atOnce, heaviest: scan.heaviest };
    const page = await attemptOf().run(fetchMembership, input);
    if (page.mixed !== null) return { run, users, rows, mixed: page.mixed };
    stepPast(run, reading, page);
    adaptLanes(run, { lanesAtOnce: atOnce, share: page.atOnce / atOnce });
    rows.push(page.rows);
    users.push(...(await openUsers(sandbox.authorizationsFile, page.page)).keys());
  }
}

async function expectEachOnce(users: string[]): Promise<void> {
  expect(new Set(users).size).toBe(users.length);
  const { expected, strangers } = await sandbox.admin.truth();
  expect(new Set(users)).toEqual(new Set([...Object.keys(expected), ...strangers]));
}

describe('a Lytics that honours splits', () => {
  it.each(['repeatable', 'scroll'] as const)(
    'is read in ten lanes, each member once (%s cursor)',
    async (cursor) => {
      await set({ cursor });
      const plan = await preflight();
      expect(plan.lanes).toEqual({ count: 10, total: MEMBERS });
      const { run, users, rows } = await walk(plan);
      await expectEachOnce(users);
      expect(run.scan.lanes).toHaveLength(10);
      expect(run.scan.lanes.every(({ lossy, total, seen }) => !lossy && total === seen)).toBe(true);
      expect(seenIn(run.scan.lanes)).toBe(MEMBERS);
      expect(run.total).toBe(MEMBERS);
      // The first page tells how heavy rows are: one lane reads it. Then six lanes return a Lytics page each.
      expect(rows[0]).toBe(100);
      expect(rows[1]).toBeGreaterThan(500);
    },
  );

  it('is named in the check, with the number of lanes', async () => {
    expect(await checked()).toBe('scans run in 10 lanes, which hold 2,300 users together');
  });

  it('is read in as many lanes as the setting says', async () => {
    const file = await changedAuthorizations(sandbox, { lytics: { limits: { lanes: 3 } } });
    const plan = await preflight(file);
    expect(plan.lanes?.count).toBe(3);
    await expectEachOnce((await walk(plan)).users);
  });

  it.each(['no_cursor', 'empty_page', 'same_page'] as const)('ends each lane by %s', async (lastPage) => {
    await set({ lastPage });
    await expectEachOnce((await walk(await preflight())).users);
  });

  it('gets fewer requests at once after it asked to slow down, and loses nothing', async () => {
    const plan = await preflight();
    await sandbox.admin.addFaults({
      match: { method: 'scan', after: 8 },
      times: 3,
      action: { kind: 'lytics_error', status: 429, retryAfterSeconds: 0.01 },
    });
    const { run, users } = await walk(plan);
    await expectEachOnce(users);
    expect(run.lanesAtOnce).toBe(5);
    expect(run.scan.lanes.some(({ lossy }) => lossy)).toBe(false);
  });
});

describe('a Lytics that does not honour splits is read in one lane, each member once', () => {
  it.each([
    [{ splits: 'ignored' }, /^scans run in one lane: Lytics ignores "splits"/],
    [{ splits: 'refused' }, /^scans run in one lane: Lytics refuses "splits" \(.*splits are not supported/],
    [{ total: 'absent' }, /^scans run in one lane: Lytics reports no total/],
    [{ total: 'wrong' }, /^scans run in one lane: several would hold/],
  ] as const)('%j', async (lytics, found) => {
    await set(lytics);
    expect(await checked()).toMatch(found);
    const plan = await preflight();
    expect(plan.lanes).toBeUndefined();
    await expectEachOnce((await walk(plan)).users);
  });

  it('and one that stops honouring them during a scan is detected before anything is written', async () => {
    const plan = await preflight();
    await set({ splits: 'ignored' });
    const { users, mixed } = await walk(plan);
    expect(mixed).toBe('Lytics reported 2,300 users in one of 10 lanes');
    expect(users).toEqual([]);
  });
});
