import { afterEach, expect, it } from 'vitest';
import type { MembersPage, MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { beginLanes } from '../../src/workflows/lanes.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { beginRun } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { mockExport } from '../support/mockActivities.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { fetchedPage, writtenPage } from '../support/pages.ts';
import { provided } from '../support/provided.ts';
import { until } from '../support/until.ts';

const LANES = 10;
const PAGES_OF_LANE = 20;
const ROWS = 100;
const USERS = LANES * PAGES_OF_LANE * ROWS;

let rig: MockRig;
afterEach(() => rig.stop());

interface Rules {
  /** Waits before a page is returned. */
  fetching?: (input: MembersToFetch) => Promise<unknown>;
  /** Waits before a page is written. */
  writing?: (rows: number) => Promise<unknown>;
}

/** A worker that reads ten lanes, a hundred rows of each for a page. */
async function startLanes({ fetching, writing }: Rules = {}) {
  const options = { pages: LANES * PAGES_OF_LANE, pageSize: ROWS };
  const { preflight, updateGigya } = mockExport(options).activities;
  const plan = async (document: unknown): Promise<Plan> => ({
    ...(await preflight(document)),
    lanes: { count: LANES, total: USERS },
  });
  const fetchMembership = async (input: MembersToFetch): Promise<MembersPage> => {
    await fetching?.(input);
    const rows = input.lanes.length * ROWS;
    return {
      ...fetchedPage({ page: String(rows), counts: { members: rows }, rows }),
      lanes: input.lanes.map(({ cursor }) => {
        const number = Number(cursor.start) + 1;
        const next = number === PAGES_OF_LANE ? null : { start: String(number), before: '', blind: 0 };
        return { next, rows: ROWS, total: PAGES_OF_LANE * ROWS, lossy: false, expired: false };
      }),
    };
  };
  rig = await startMockRig(provided(), {
    ...options,
    activities: {
      preflight: plan,
      fetchMembership,
      async updateGigya(input: PageToWrite) {
        await writing?.(Number(input.page));
        const { readBack } = await updateGigya(input);
        return writtenPage({ updated: Number(input.page), carrying: Number(input.page), readBack });
      },
    },
  });
  return { plan };
}

it('reads some of the lanes for one page, and others for the next at the same time', async () => {
  const beingRead: string[][] = [];
  const read: string[] = [];
  const overlaps: string[] = [];
  let mostAtOnce = 0;
  await startLanes({
    async fetching({ lanes, size }) {
      const names = lanes.map(({ hundredths }) => String(hundredths?.[0]));
      beingRead.push(names);
      mostAtOnce = Math.max(mostAtOnce, beingRead.length);
      // While pages are small, one lane is enough. Then one page is held until another is fetched beside it.
      if (size > ROWS) await until(() => mostAtOnce > 1);
      for (const { hundredths, cursor } of lanes) read.push(`${hundredths?.[0]} from ${cursor.start}`);
      beingRead.splice(beingRead.indexOf(names), 1);
      overlaps.push(...names.filter((name) => beingRead.flat().includes(name)));
    },
  });
  const { counts, warnings } = await (await rig.start(jobDocument('two fetches'))).result();
  expect(counts).toMatchObject({ members: USERS, updated: USERS });
  expect({ warnings, overlaps, mostAtOnce }).toEqual({ warnings: [], overlaps: [], mostAtOnce: 2 });
  expect(read).toHaveLength(LANES * PAGES_OF_LANE);
  expect(new Set(read).size).toBe(read.length);
});

it('writes no page that had not begun before a pause, although two are fetched', async () => {
  const held: (() => void)[] = [];
  let isHeld = true;
  let fetched = 0;
  let begun = 0;
  let late = 0;
  let isPaused = false;
  await startLanes({
    async fetching() {
      fetched++;
    },
    async writing(rows) {
      begun++;
      if (isPaused) late++;
      // The first pages are small: nothing is fetched beside them.
      if (isHeld && rows > ROWS) await new Promise<void>((resolve) => held.push(resolve));
    },
  });
  const handle = await rig.start(jobDocument('paused'));
  // Two are being written, and two more are fetched.
  await until(() => held.length === 2 && fetched === begun + 2);
  const before = begun;
  held.shift()?.();
  await until(() => begun === before + 1);
  await handle.executeUpdate('pause');
  isPaused = true;
  isHeld = false;
  for (const letGo of held.splice(0)) letGo();
  await until(async () => (await handle.query<Progress>('progress')).state === 'paused');
  expect(late).toBe(0);
  isPaused = false;
  await handle.executeUpdate('resume');
  expect((await handle.result()).counts).toMatchObject({ members: USERS, updated: USERS });
});

it('scans in one lane after it continued as new with lanes that were mixed', async () => {
  const lanes: number[] = [];
  const { plan } = await startLanes({
    async fetching(input) {
      lanes.push(input.lanes.filter(({ hundredths }) => hundredths !== null).length);
    },
  });
  const document = jobDocument('mixed');
  const begun = beginRun(Date.now());
  const scan = {
    ...begun.scan,
    lanes: beginLanes(LANES),
    mixed: 'Lytics returned the same users in several lanes',
  };
  const run = { ...begun, plan: await plan(document), scan };
  const { warnings, scans } = await (await rig.start(document, { run, at: Date.now() })).result();
  expect(scans).toBe(2);
  expect(warnings[0]).toMatch(
    /^Lytics returned the same users in several lanes; the audience was scanned again/,
  );
  expect(new Set(lanes)).toEqual(new Set([0]));
});
