import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { currentAttempt } from '../../src/activities/attempt.ts';
import type { MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { planOf } from '../support/activityRig.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { startMockRig } from '../support/mockRig.ts';
import { fetchedPage, type PageChanges, writtenPage } from '../support/pages.ts';
import { provided } from '../support/provided.ts';
import { type ExportHandle, pendingActivities } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** The pages of one scan. All but the last have a cursor, whatever they say. */
type Scan = PageChanges[];

interface Script {
  /** Each scan of the audience; the last one is repeated. */
  scans: Scan[];
  /** What writing a page updates, by the number of the scan from 0. */
  updates?: (scan: number) => number;
}

/** Runs an export whose scans are these. */
async function run<Result>(
  { scans, updates = () => 10 }: Script,
  finish: (handle: ExportHandle, asked: MembersToFetch[]) => Promise<Result>,
): Promise<Result> {
  let scan = -1;
  let page = 0;
  const asked: MembersToFetch[] = [];
  const activities: Partial<Activities> = {
    async fetchMembership(input) {
      asked.push(input);
      if (input.lanes[0]?.cursor.start === '') {
        scan++;
        page = 0;
      }
      const pages = scans[Math.min(scan, scans.length - 1)] ?? [];
      const changes = pages[page++] ?? {};
      const next = page === pages.length ? null : { start: `after ${page}`, before: '', blind: 0 };
      return fetchedPage({ total: 20, next, ...changes });
    },
    async updateGigya() {
      const updated = updates(scan);
      return writtenPage({ updated, unchanged: 10 - updated });
    },
    countCarriers: async () => null,
  };
  const rig = await startMockRig(provided(), { pages: 1, pageSize: 10, activities });
  try {
    return await finish(await rig.start(jobDocument('obstacles')), asked);
  } finally {
    await rig.stop();
  }
}

const summaryOf = (script: Script): Promise<Summary> => run(script, (handle) => handle.result());
const expired = { expired: true, page: null, counts: {}, rows: 0, next: null };
const AGAIN = 'the audience was scanned again from the start, and the counts include every scan';

describe('a scan that may have lost a page', () => {
  it('is repeated when Lytics returned fewer users than it reported', async () => {
    const summary = await summaryOf({ scans: [[{ lossy: true }], [{}, {}]] });
    expect(summary).toMatchObject({ scans: 2, counts: { members: 30, updated: 30 } });
    expect(summary.warnings).toEqual([`Lytics' scan was interrupted and returned 10 of 20 users; ${AGAIN}`]);
  });

  it('is repeated when Lytics reports no total', async () => {
    const summary = await summaryOf({ scans: [[{ lossy: true, total: null }], [{ total: null }]] });
    // The mocked plan knows a size; a scan decides by what the scan reports.
    expect(summary.scans).toBe(2);
    expect(summary.warnings[0]).toContain('returned 10 of an unknown number of users');
  });

  it('is not repeated when all users were returned', async () => {
    expect(await summaryOf({ scans: [[{ lossy: true }, {}]] })).toMatchObject({ scans: 1, warnings: [] });
    expect(await summaryOf({ scans: [[{ lossy: true }, {}, {}]] })).toMatchObject({ scans: 1, warnings: [] });
  });
});

describe('a scan that lost nothing', () => {
  it('is not repeated for a total that it does not reach; the result has a warning', async () => {
    const summary = await summaryOf({ scans: [[{}]] });
    expect(summary.scans).toBe(1);
    expect(summary.warnings).toEqual(['Lytics reported 20 users but returned 10']);
  });

  it.each([
    [1_000, 990, []],
    [1_000, 989, ['Lytics reported 1,000 users but returned 989']],
    [1_000, 1_200, []],
    [null, 10, []],
  ])('of a total of %j and %i rows has the warnings %j', async (total, rows, warnings) => {
    expect((await summaryOf({ scans: [[{ total, rows }]] })).warnings).toEqual(warnings);
  });
});

describe('a cursor that expires', () => {
  it('restarts the scan from the beginning and keeps the counts', async () => {
    const script: Script = {
      scans: [
        [{}, expired],
        [{}, {}],
      ],
    };
    const { summary, asked } = await run(script, async (handle, inputs) => ({
      summary: await handle.result(),
      asked: inputs,
    }));
    expect(summary).toMatchObject({ scans: 2, counts: { members: 30, updated: 30 } });
    expect(summary.warnings).toEqual([`Lytics' cursor expired; ${AGAIN}`]);
    expect(asked.map(({ lanes }) => lanes.flatMap(({ cursor, seen }) => [cursor.start, seen]))).toEqual([
      ['', 0],
      ['after 1', 10],
      ['', 0],
      ['after 1', 10],
    ]);
  });

  it('repeatedly is accepted while each scan writes something', async () => {
    const cut: Scan = [{}, expired];
    const summary = await summaryOf({ scans: [...Array.from({ length: 12 }, () => cut), [{}, {}]] });
    expect(summary.scans).toBe(13);
  });

  it('in five consecutive scans that write nothing is a configuration fault', async () => {
    const failure = await run({ scans: [[{}, expired]], updates: () => 0 }, failureOf);
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(
      /^Lytics' cursor expired in 5 scans in a row; .*raise limits\.calls_per_second/,
    );
  });

  it('is counted from zero after a scan that wrote something', async () => {
    const cut: Scan = [{}, expired];
    const summary = await summaryOf({
      scans: [...Array.from({ length: 9 }, () => cut), [{}, {}]],
      // Four that write nothing, one that does, and four again.
      updates: (scan) => (scan === 4 || scan === 9 ? 10 : 0),
    });
    expect(summary.scans).toBe(10);
  });
});

describe('a total that is never reached', () => {
  it('ends the run with a warning after five scans that wrote nothing', async () => {
    const summary = await summaryOf({ scans: [[{ lossy: true }]], updates: () => 0 });
    expect(summary.scans).toBe(5);
    expect(summary.warnings.at(-1)).toBe(
      "Lytics' scan was interrupted and returned 10 of 20 users; members may have been missed",
    );
  });
});

describe('a run in which no user could be written, however small', () => {
  it('fails when no member has a Gigya ID', async () => {
    const counts = { members: 10, no_gigya_id: 10 };
    const failure = await run({ scans: [[{ page: null, counts, total: 10 }]] }, failureOf);
    expect(failure).toEqual({
      type: 'Configuration',
      message: 'None of 10 members has a Gigya ID in gy_profile_id; correct config.gigya_id_field',
    });
  });

  it('fails when nearly all failed for one reason', async () => {
    const counts = { members: 10, failed: 10 };
    const failures = { not_in_lytics: 10 };
    const failure = await run({ scans: [[{ page: null, counts, failures, total: 10 }]] }, failureOf);
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(/^10 of 10 users failed with not_in_lytics; Lytics does not find/);
  });

  it('completes when one was written', async () => {
    const counts = { members: 20, no_gigya_id: 10 };
    expect(await summaryOf({ scans: [[{ counts, total: 10 }]] })).toMatchObject({
      counts: { members: 20, no_gigya_id: 10, updated: 10 },
    });
  });

  it('completes when the audience is empty', async () => {
    const empty = { page: null, counts: { members: 0 }, rows: 0, total: 0 };
    expect(await summaryOf({ scans: [[empty]] })).toMatchObject({ counts: { members: 0 }, warnings: [] });
  });
});

describe('a page whose activity fails for good', () => {
  it('adds its writes to the counts of the failure', async () => {
    const rig = await startMockRig(provided(), {
      pages: 1,
      pageSize: 10,
      activities: {
        async updateGigya() {
          throw ApplicationFailure.create({
            type: 'Configuration',
            message: 'give the permission',
            nonRetryable: true,
            details: [writtenPage({ updated: 4, failed: 1, failures: { '400006': 1 }, stopped: true })],
          });
        },
      },
    });
    try {
      const handle = await rig.start(jobDocument('half'));
      expect((await failureOf(handle)).message).toBe('give the permission');
      const progress = await handle.query<{ counts: object }>('progress');
      expect(progress.counts).toMatchObject({ members: 5, updated: 4, failed: 1 });
    } finally {
      await rig.stop();
    }
  });
});

it.each([
  [39, /^39 users in Gigya .* counted at least 40: members on several pages/],
  [45, undefined],
  [51, /^51 users in Gigya .* counted at most 50: the others were not corrected/],
])(
  '%i carriers are compared with what was counted, although a lane was read twice',
  async (carriers, warning) => {
    let readings = 0;
    const rig = await startMockRig(provided(), {
      pages: 1,
      pageSize: 10,
      activities: {
        preflight: async () => ({ ...planOf({ on_exit: 'keep' }), lanes: { count: 4, total: 40 } }),
        async fetchMembership(input) {
          // The cursor of the last lane expires after ten users.
          const lanes = input.lanes.flatMap(({ hundredths }) => {
            const isLast = hundredths?.includes(99) ?? false;
            return fetchedPage({ next: null, total: 10, expired: isLast && readings++ === 0 }).lanes;
          });
          const members = 10 * lanes.length;
          return { ...fetchedPage(), page: String(members), lanes, rows: members, counts: { members } };
        },
        async updateGigya({ page }) {
          return writtenPage({ updated: Number(page), carrying: Number(page) });
        },
        countCarriers: async () => ({ carriers, isExact: true }),
      },
    });
    try {
      const { counts, warnings } = await (await rig.start(jobDocument('twice'))).result();
      expect(counts.members).toBe(50);
      expect(warnings[0]).toContain('1 of 4 lanes was scanned again');
      expect(warnings.slice(1)).toEqual(warning ? [expect.stringMatching(warning)] : []);
    } finally {
      await rig.stop();
    }
  },
);

it('a page that waits for its next attempt while another one fails the run adds its writes to the counts', async () => {
  let letFail = () => {};
  const isWaiting = new Promise<void>((resolve) => {
    letFail = resolve;
  });
  let writes = 0;
  const rig = await startMockRig(provided(), {
    pages: 2,
    pageSize: 10,
    activities: {
      async updateGigya() {
        if (writes++ === 0) {
          const written = writtenPage({ updated: 4, failed: 1, failures: { '400006': 1 } });
          currentAttempt().keep({ counts: () => written });
          throw ApplicationFailure.create({ type: 'Gigya', message: 'down', nextRetryDelay: '1 hour' });
        }
        await isWaiting;
        throw ApplicationFailure.nonRetryable('give the permission', 'Configuration');
      },
    },
  });
  try {
    const handle = await rig.start(jobDocument('waiting'));
    await until(
      async () => (await pendingActivities(handle)).some(({ failure }) => failure === 'down') && writes === 2,
      { limitMs: 60_000 },
    );
    letFail();
    expect((await failureOf(handle)).message).toBe('give the permission');
    const { counts } = await handle.query<Progress>('progress');
    expect(counts).toMatchObject({ members: 5, updated: 4, failed: 1 });
  } finally {
    letFail();
    await rig.stop();
  }
});

it('a run begins with as many requests to Lytics at once as preflight found it to take', async () => {
  const asked: MembersToFetch[] = [];
  const rig = await startMockRig(provided(), {
    pages: 1,
    pageSize: 10,
    activities: {
      preflight: async () => ({ ...planOf({ on_exit: 'keep' }), lanes: { count: 4, total: 40, at_once: 2 } }),
      async fetchMembership(input) {
        asked.push(input);
        const page = fetchedPage({ next: null, total: 10 });
        return { ...page, lanes: input.lanes.flatMap(() => page.lanes), atOnce: input.atOnce };
      },
    },
  });
  try {
    await (await rig.start(jobDocument('slowed'))).result();
    expect(asked[0]?.atOnce).toBe(2);
    expect(asked[0]?.lanes.length).toBeLessThanOrEqual(2);
    expect(asked.flatMap(({ lanes }) => lanes)).toHaveLength(4);
  } finally {
    await rig.stop();
  }
});
