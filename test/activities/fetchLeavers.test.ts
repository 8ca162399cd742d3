import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/client.ts';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf, openActivities, openUsers, planOf } from '../support/activityRig.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

const CARRIERS = 2_400;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: CARRIERS, outsiders: 0 });
  const { expected } = await sandbox.admin.truth();
  await sandbox.admin.addLabels({ uids: Object.keys(expected) });
});
afterAll(() => sandbox.stop());

const plan = planOf();
const BEGINNING: LeaversToFetch = { plan, cursor: null, missing: null };

function fetchPage(input: LeaversToFetch, { fetchLeavers } = openActivities(sandbox.authorizationsFile)) {
  return attemptOf().run(fetchLeavers, input);
}

/** Reads all pages, as a run does. */
async function search(): Promise<LeaversPage[]> {
  const activities = openActivities(sandbox.authorizationsFile);
  const pages: LeaversPage[] = [];
  for (let input: LeaversToFetch | null = BEGINNING; input; ) {
    const page: LeaversPage = await fetchPage(input, activities);
    pages.push(page);
    input = page.next === null ? null : { plan, cursor: page.next, missing: page.missing };
  }
  return pages;
}

const leaversOn = async (pages: readonly LeaversPage[]) =>
  (await Promise.all(pages.map(({ page }) => openUsers(sandbox.authorizationsFile, page)))).flatMap(
    (page) => [...page.keys()],
  );

async function callsOf(method: string): Promise<number> {
  const { calls } = await sandbox.admin.stats();
  return Object.values(calls[method] ?? {}).reduce((sum, count) => sum + count, 0);
}

describe('a search for leavers', () => {
  it.each([
    [0, 0],
    [30, 1],
    [130, 2],
  ])('among 2,400 carriers sends %s leavers in %s further ad-hoc scans', async (leavers, further) => {
    const members = CARRIERS - leavers;
    const { expected } = await sandbox.admin.truth();
    await sandbox.admin.leave(Object.keys(expected).length - members);
    const { expected: staying } = await sandbox.admin.truth();
    await sandbox.admin.clearStats();

    const pages = await search();
    const proof = 1;
    expect(await callsOf('accounts.search')).toBe(3);
    expect(await callsOf('adhoc_scan')).toBe(proof + 10 + 10 + 4 + further);
    expect(await callsOf('entity')).toBe(0);
    expect(pages.map(({ carriers }) => carriers)).toEqual([1_000, 1_000, 400]);
    const found = await leaversOn(pages);
    expect(found).toHaveLength(leavers);
    expect(found.filter((uid) => staying[uid])).toEqual([]);
    expect(pages.reduce((sum, { counts }) => sum + (counts.left ?? 0), 0)).toBe(leavers);
    expect(pages.at(-1)?.missing).toBeNull();
  });

  it('passes on who is missing from the audience sealed, and drops them when the cursor has expired', async () => {
    const { page, missing, next } = await fetchPage(BEGINNING);
    // After the cases above more than 100 have left, and fewer than 100 of them are on the first page.
    expect(page).toBeNull();
    const waiting = await openUsers(sandbox.authorizationsFile, missing);
    const { expected } = await sandbox.admin.truth();
    expect(waiting.size).toBeGreaterThan(0);
    expect([...waiting.keys()].filter((uid) => expected[uid])).toEqual([]);

    const unreadable = { plan, cursor: next, missing: 'sealed under another key' };
    expect(await failureOf(fetchPage(unreadable))).toMatchObject({ type: 'SealBroken' });
    await sandbox.admin.patchSettings({ gigya: { cursorLifeSeconds: 0 } });
    const expired = await fetchPage({ plan, cursor: next, missing });
    expect(expired).toMatchObject({ expired: true, page: null, missing: null, carriers: 0 });
  });
});
