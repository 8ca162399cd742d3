import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/activities/preflight.ts';
import { breachOfInvariant, noCounts } from '../../src/counts.ts';
import { parseJob } from '../../src/job.ts';
import { CALM_PAGES, MOST_LANES } from '../../src/tuning.ts';
import { beginLanes } from '../../src/workflows/lanes.ts';
import {
  adaptLanes,
  beginRun,
  countPage,
  outcomesSoFar,
  type Run,
  sizePages,
  stepPast,
  summarize,
  warn,
} from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { fetchedPage, writtenPage } from '../support/pages.ts';
import { fc } from '../support/property.ts';

const plan: Plan = {
  job: parseJob(jobDocument('VIPs to Gigya', { dry_run: true })),
  audience: { id: 'a1', slug: 'vip', label: 'vip', size: 100 },
  index_lag_seconds: 30,
  alert_after_seconds: 1800,
  warnings: ['from the preflight'],
};

function run(change: (run: Run) => void = () => {}): Run {
  const begun = beginRun(1_000);
  begun.scan.lanes = beginLanes(1);
  change(begun);
  return begun;
}

describe('a run starts', () => {
  it('at the first page with zero counts', () => {
    expect(beginRun(1_000)).toMatchObject({
      startedAt: 1_000,
      plan: null,
      counts: noCounts(),
      scan: { number: 1, lanes: [], pages: 0, fruitless: 0 },
      total: null,
      readBack: { write: false, replacement: false },
      warnings: [],
    });
  });

  it('as a value that survives serialization in the history', () => {
    expect(JSON.parse(JSON.stringify(beginRun(1_000)))).toEqual(beginRun(1_000));
  });
});

describe('a page that was fetched', () => {
  it('moves the run past it', () => {
    const state = run();
    stepPast(state, state.scan.lanes, fetchedPage({ counts: { members: 12 }, rows: 10 }));
    expect(state.scan).toMatchObject({ lanes: [{ seen: 10 }], fetched: 12 });
    stepPast(state, state.scan.lanes, fetchedPage({ next: null, total: 99 }));
    expect(state.scan).toMatchObject({ lanes: [{ cursor: null, seen: 20 }], fetched: 22, counted: 0 });
    expect(state.total).toBe(99);
  });

  it('keeps the total when the page has none', () => {
    const state = run();
    stepPast(state, state.scan.lanes, fetchedPage({ total: 100 }));
    stepPast(state, state.scan.lanes, fetchedPage({ total: null }));
    expect(state.total).toBe(100);
  });

  it('marks the lane as lossy for good', () => {
    const state = run();
    stepPast(state, state.scan.lanes, fetchedPage({ lossy: true }));
    stepPast(state, state.scan.lanes, fetchedPage({ lossy: false }));
    expect(state.scan.lanes).toMatchObject([{ lossy: true }]);
  });

  it('warns once about each audience that Lytics does not list', () => {
    const state = run();
    stepPast(state, state.scan.lanes, fetchedPage({ unlisted: ['new', 'newer'] }));
    stepPast(state, state.scan.lanes, fetchedPage({ unlisted: ['new'] }));
    expect(state.warnings).toEqual([
      'Users are in "new", which Lytics does not list; it was not exported',
      'Users are in "newer", which Lytics does not list; it was not exported',
    ]);
  });
});

describe('requests to Lytics at once', () => {
  const adapt = (state: Run, lanesAtOnce: number, share: number) => adaptLanes(state, { lanesAtOnce, share });

  it('are halved once for pages that were fetched at the same time', () => {
    const state = run();
    adapt(state, 10, 0.5);
    expect(state.lanesAtOnce).toBe(5);
    adapt(state, 10, 0.4);
    expect(state.lanesAtOnce).toBe(4);
    // This one began before, and met no trouble.
    adapt(state, 10, 1);
    expect(state.lanesAtOnce).toBe(4);
    adapt(state, 1, 0.5);
    expect(state.lanesAtOnce).toBe(1);
  });

  it('grow by one after many pages without trouble, up to one for each lane', () => {
    const state = run();
    adapt(state, 10, 0.8);
    for (let page = 0; page < CALM_PAGES; page++) adapt(state, 8, 1);
    expect(state.lanesAtOnce).toBe(9);
    for (let page = 0; page < 3 * CALM_PAGES; page++) adapt(state, 9, 1);
    expect(state.lanesAtOnce).toBe(MOST_LANES);
  });
});

describe('a page whose users are accounted for', () => {
  it('is counted, including users that could not be written', () => {
    const state = run();
    const page = fetchedPage({
      counts: { members: 10, no_gigya_id: 2, failed: 2 },
      failures: { imprecise_id: 1, not_in_lytics: 1 },
    });
    countPage(
      state,
      page,
      writtenPage({ updated: 3, unchanged: 1, unknown_uid: 1, failed: 1, failures: { '400006': 1 } }),
      10,
    );
    expect(state.counts).toEqual({
      members: 10,
      left: 0,
      updated: 3,
      unchanged: 1,
      excluded: 0,
      no_gigya_id: 2,
      unknown_uid: 1,
      failed: 3,
    });
    expect(state.failures).toEqual({ imprecise_id: 1, not_in_lytics: 1, '400006': 1 });
    expect(breachOfInvariant(state.counts)).toBeUndefined();
  });

  it('with only users without UIDs needs no write', () => {
    const state = run();
    countPage(state, fetchedPage({ page: null, counts: { members: 10, no_gigya_id: 10 } }), null, 10);
    expect(state.counts).toMatchObject({ members: 10, no_gigya_id: 10 });
    expect(breachOfInvariant(state.counts)).toBeUndefined();
    expect(state.scan.counted).toBe(10);
  });

  it('keeps the read-back result once for the run', () => {
    const state = run();
    countPage(state, fetchedPage(), writtenPage({ readBack: { write: true, replacement: false } }), 10);
    countPage(state, fetchedPage(), writtenPage({ readBack: { write: false, replacement: true } }), 10);
    countPage(state, fetchedPage(), writtenPage(), 10);
    expect(state.readBack).toEqual({ write: true, replacement: true });
  });

  it('adds the users who now carry the audience', () => {
    const state = run();
    countPage(state, fetchedPage(), writtenPage({ updated: 10, carrying: 8 }), 10);
    countPage(state, fetchedPage(), writtenPage({ unchanged: 10, carrying: 10 }), 10);
    expect(state.scan.carrying).toBe(18);
  });

  it('that was stopped half-way counts the users it reached, and the invariant holds for them', () => {
    const few = fc.nat({ max: 20 });
    fc.assert(
      fc.property(
        few,
        few,
        few,
        few,
        few,
        few,
        few,
        (updated, unchanged, unknown, failed, no_id, own, open) => {
          const state = run();
          const count = updated + unchanged + unknown + failed + no_id + own + open;
          const page = fetchedPage({
            counts: { members: count, no_gigya_id: no_id, failed: own },
            rows: count,
            failures: { imprecise_id: own },
          });
          countPage(
            state,
            page,
            writtenPage({ updated, unchanged, unknown_uid: unknown, failed, stopped: true }),
            count,
          );
          expect(breachOfInvariant(state.counts)).toBeUndefined();
          expect(state.counts.members).toBe(count - open);
          expect(state.scan.counted).toBe(count - open);
        },
      ),
    );
  });

  it('that was partly lost breaks the invariant', () => {
    const state = run();
    countPage(state, fetchedPage({ counts: { members: 10 } }), writtenPage({ updated: 9 }), 10);
    expect(breachOfInvariant(state.counts)).toBe('10 users were seen, but 9 are accounted for');
  });
});

describe('the outcomes so far', () => {
  it('leave out users without a UID, and count unknown UIDs as failures', () => {
    const state = run(({ counts, failures }) => {
      Object.assign(counts, {
        members: 20,
        updated: 5,
        unchanged: 4,
        no_gigya_id: 3,
        unknown_uid: 6,
        failed: 2,
      });
      failures['400006'] = 2;
    });
    expect(outcomesSoFar(state)).toEqual({ handled: 17, failures: { '400006': 2, unknown_uid: 6 } });
    expect(outcomesSoFar(run())).toEqual({ handled: 0, failures: {} });
  });

  it('leave out users that the job excludes', () => {
    const state = run(({ counts }) => Object.assign(counts, { members: 9, updated: 5, excluded: 4 }));
    expect(outcomesSoFar(state)).toEqual({ handled: 5, failures: {} });
  });

  it('leave out unknown UIDs where the audience holds lite accounts', () => {
    const state = run((begun) => {
      begun.plan = { ...plan, job: parseJob(jobDocument('Lite', { lite_accounts: true })) };
      Object.assign(begun.counts, { members: 9, updated: 5, unknown_uid: 4 });
    });
    expect(outcomesSoFar(state)).toEqual({ handled: 5, failures: {} });
  });
});

describe('a page of leavers', () => {
  it('counts the leavers and does not move the scan', () => {
    const state = run();
    const page = { page: 'sealed', counts: { left: 3 }, failures: {}, next: null, expired: false };
    countPage(state, page, writtenPage({ updated: 2, unknown_uid: 1 }), 0);
    expect(state.counts).toMatchObject({ members: 0, left: 3, updated: 2, unknown_uid: 1 });
    expect(state.scan.counted).toBe(0);
    expect(breachOfInvariant(state.counts)).toBeUndefined();
  });

  it('that was stopped half-way counts the users it reached', () => {
    const state = run();
    const page = { page: 'sealed', counts: { left: 3 }, failures: {}, next: null, expired: false };
    countPage(state, page, writtenPage({ updated: 1, stopped: true }), 0);
    expect(state.counts).toMatchObject({ left: 1, updated: 1 });
    expect(state.scan.counted).toBe(0);
    expect(breachOfInvariant(state.counts)).toBeUndefined();
  });
});

it('a page of members and leavers that was stopped half-way takes what is missing from both', () => {
  const state = run();
  const page = {
    page: 'sealed',
    counts: { members: 500, left: 1 },
    failures: {},
    next: null,
    expired: false,
  };
  countPage(state, page, writtenPage({ updated: 101, stopped: true }), 0);
  expect(state.counts).toMatchObject({ members: 101, left: 0, updated: 101 });
  expect(breachOfInvariant(state.counts)).toBeUndefined();
});

describe('the size of the next page', () => {
  const after = (pageSize: number, users: number, ms: number) => {
    const state = run((begun) => {
      begun.pageSize = pageSize;
      begun.pageDoneAt = 1_000;
    });
    // It waited for the page before it since its start.
    sizePages(state, users, 0, 1_000 + ms);
    return state;
  };

  it('starts at one page of Lytics', () => {
    expect(run()).toMatchObject({ pageSize: 100, pagesAtOnce: 2 });
  });

  it.each<[pageSize: number, users: number, ms: number, next: number]>([
    // Five seconds at the last rate.
    [600, 600, 5_000, 600],
    [1_000, 1_000, 4_000, 1_300],
    [1_000, 1_000, 100_000, 100],
    // At most eight times the last one.
    [100, 100, 10, 800],
    [100, 100, 0, 800],
    // Whole pages of Lytics, between one and twenty.
    [2_000, 2_000, 10, 2_000],
    [100, 100, 600_000, 100],
    [200, 0, 1_000, 100],
  ])('%i, after %i users in %i ms, becomes %i', (pageSize, users, ms, next) => {
    expect(after(pageSize, users, ms).pageSize).toBe(next);
  });

  it('counts the time since the page before was done, or since its own start', () => {
    const state = run((begun) => {
      begun.pageSize = 2_000;
      begun.pageDoneAt = 1_000;
    });
    sizePages(state, 600, 5_000, 10_000);
    expect(state).toMatchObject({ pageSize: 600, pageDoneAt: 10_000 });
    sizePages(state, 600, 6_000, 12_500);
    expect(state.pageSize).toBe(1_200);
  });

  it('is always between 100 and 2,000 and a multiple of 100, and pages in flight end within ten seconds at the last rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.nat(5_000),
        fc.integer({ min: 1, max: 1_000_000 }),
        (pages, users, ms) => {
          const { pageSize, pagesAtOnce } = after(pages * 100, users, ms);
          expect(pageSize % 100).toBe(0);
          expect(pageSize).toBeGreaterThanOrEqual(100);
          expect(pageSize).toBeLessThanOrEqual(Math.min(2_000, pages * 800));
          const rate = (users / ms) * 1_000;
          const isSlow = rate * 10 < 100;
          // A page is rounded up to a whole page of Lytics.
          if (!isSlow) expect(((pageSize - 100) * pagesAtOnce) / rate).toBeLessThanOrEqual(10);
          if (isSlow) expect(pagesAtOnce).toBe(1);
        },
      ),
    );
  });
});

describe('warnings', () => {
  it('occur once each, and at most twenty', () => {
    const state = run();
    for (let n = 0; n < 50; n++) warn(state, `warning ${n % 30}`);
    expect(state.warnings).toEqual(Array.from({ length: 20 }, (_, n) => `warning ${n}`));
  });
});

describe('the summary', () => {
  it('contains the result of the run', () => {
    const state = run(({ counts, failures, scan, warnings }) => {
      counts.members = 3;
      counts.updated = 3;
      failures['400006'] = 1;
      scan.number = 2;
      warnings.push('from the run');
    });
    state.calls = { lytics: 4, gigya: 30, searches: 60 };
    Object.assign(state.leavers, { removals: 3, carriers: 4 });
    const limits = { calls_per_second: 10, searches_per_second: 2 };
    expect(summarize(state, { ...plan, limits }, 3, 61_400)).toEqual({
      job: 'VIPs to Gigya',
      counts: { ...noCounts(), members: 3, updated: 3 },
      failures: { '400006': 1 },
      audience: { id: 'a1', slug: 'vip', label: 'vip', size: 100 },
      in_gigya: 3,
      dry_run: true,
      scans: 2,
      seconds: 60,
      warnings: ['from the preflight', 'from the run'],
      // 93 calls take 9.3 s, but 60 searches 30 s.
      estimate: { gigya_writes: 3, gigya_searches: 60, gigya_reads: 30, lytics_requests: 4, minutes: 0.5 },
      guard: { removals: 3, carriers: 4, max_removals: 0.2, reason: null },
    });
  });

  it('warns about members who share a UID, with their number', () => {
    const state = run();
    stepPast(state, state.scan.lanes, fetchedPage({ duplicates: 2 }));
    stepPast(state, state.scan.lanes, fetchedPage({ duplicates: 3 }));
    expect(summarize(state, plan, null, 2_000).warnings).toContain(
      '5 members share their Gigya UID with another; their profile decided, and they were written once',
    );
  });
});
