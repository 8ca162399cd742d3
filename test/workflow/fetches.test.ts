import { expect, it } from 'vitest';
import type { MembersPage, MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { jobDocument } from '../support/jobs.ts';
import { mockExport } from '../support/mockActivities.ts';
import { startMockRig } from '../support/mockRig.ts';
import { fetchedPage, writtenPage } from '../support/pages.ts';
import { provided } from '../support/provided.ts';
import { until } from '../support/until.ts';

const LANES = 10;
const PAGES_OF_LANE = 6;
const ROWS = 100;
const USERS = LANES * PAGES_OF_LANE * ROWS;

it('reads some of the lanes for one page, and others for the next at the same time', async () => {
  const options = { pages: LANES * PAGES_OF_LANE, pageSize: ROWS };
  const { preflight, updateGigya } = mockExport(options).activities;
  const beingRead: string[][] = [];
  const read: string[] = [];
  let mostAtOnce = 0;

  const fetchMembership = async ({ lanes, size }: MembersToFetch): Promise<MembersPage> => {
    const names = lanes.map(({ hundredths }) => String(hundredths?.[0]));
    beingRead.push(names);
    mostAtOnce = Math.max(mostAtOnce, beingRead.length);
    // While pages are small, one lane is enough. Then one page is held until another is fetched beside it.
    if (size > ROWS) await until(() => mostAtOnce > 1);
    for (const { hundredths, cursor } of lanes) read.push(`${hundredths?.[0]} from ${cursor.start}`);
    beingRead.splice(beingRead.indexOf(names), 1);
    expect(names.filter((name) => beingRead.flat().includes(name))).toEqual([]);
    const rows = lanes.length * ROWS;
    return {
      ...fetchedPage({ page: String(rows), counts: { members: rows }, rows }),
      lanes: lanes.map(({ cursor }) => {
        const number = Number(cursor.start) + 1;
        const next = number === PAGES_OF_LANE ? null : { start: String(number), before: '', blind: 0 };
        return { next, rows: ROWS, total: PAGES_OF_LANE * ROWS, lossy: false, expired: false };
      }),
    };
  };
  const rig = await startMockRig(provided(), {
    ...options,
    activities: {
      preflight: async (document) => ({
        ...(await preflight(document)),
        lanes: { count: LANES, total: USERS },
      }),
      fetchMembership,
      async updateGigya(input: PageToWrite) {
        const { readBack } = await updateGigya(input);
        return writtenPage({ updated: Number(input.page), carrying: Number(input.page), readBack });
      },
    },
  });
  try {
    const { counts, warnings } = await (await rig.start(jobDocument('two fetches'))).result();
    expect(counts).toMatchObject({ members: USERS, updated: USERS });
    expect(warnings).toEqual([]);
    expect(mostAtOnce).toBe(2);
    expect(read).toHaveLength(LANES * PAGES_OF_LANE);
    expect(new Set(read).size).toBe(read.length);
  } finally {
    await rig.stop();
  }
});
