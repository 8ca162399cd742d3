import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/activities/preflight.ts';
import { breachOfLaw, noCounts } from '../../src/counts.ts';
import { parseJob } from '../../src/job.ts';
import {
  beginRun,
  countPage,
  fateSoFar,
  type Run,
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
  change(begun);
  return begun;
}

describe('a run begins', () => {
  it('at the first page, with nothing counted', () => {
    expect(beginRun(1_000)).toMatchObject({
      startedAt: 1_000,
      plan: null,
      counts: noCounts(),
      sweep: { number: 1, cursor: { start: '', before: '' }, seen: 0, lossy: false, fruitless: 0 },
      total: null,
      readBack: { write: false, replacement: false },
      warnings: [],
    });
  });

  it('as a value that survives the way through the history', () => {
    expect(JSON.parse(JSON.stringify(beginRun(1_000)))).toEqual(beginRun(1_000));
  });
});

describe('a page that was fetched', () => {
  it('moves the run past it, and tells the number of its first member', () => {
    const state = run();
    expect(stepPast(state, fetchedPage({ count: 12, rows: 10 }))).toBe(1);
    expect(stepPast(state, fetchedPage({ next: null, total: 99 }))).toBe(13);
    expect(state.sweep).toMatchObject({ cursor: null, seen: 20, fetched: 22, counted: 0 });
    expect(state.total).toBe(99);
  });

  it('keeps the total when the page tells none', () => {
    const state = run();
    stepPast(state, fetchedPage({ total: 100 }));
    stepPast(state, fetchedPage({ total: null }));
    expect(state.total).toBe(100);
  });

  it('once lossy leaves the sweep lossy', () => {
    const state = run();
    stepPast(state, fetchedPage({ lossy: true }));
    stepPast(state, fetchedPage({ lossy: false }));
    expect(state.sweep.lossy).toBe(true);
  });

  it('warns of each audience that Lytics does not list, once', () => {
    const state = run();
    stepPast(state, fetchedPage({ unlisted: ['new', 'newer'] }));
    stepPast(state, fetchedPage({ unlisted: ['new'] }));
    expect(state.warnings).toEqual([
      'Users are in "new", which Lytics does not list; it was not exported',
      'Users are in "newer", which Lytics does not list; it was not exported',
    ]);
  });
});

describe('a page whose users are accounted for', () => {
  it('is counted, those it could not write among them', () => {
    const state = run();
    const page = fetchedPage({ count: 10, no_gigya_id: 2, failures: { imprecise_id: 1, not_in_lytics: 1 } });
    countPage(
      state,
      page,
      writtenPage({ updated: 3, unchanged: 1, unknown_uid: 1, failed: 1, failures: { '400006': 1 } }),
    );
    expect(state.counts).toEqual({
      members: 10,
      left: 0,
      updated: 3,
      unchanged: 1,
      no_gigya_id: 2,
      unknown_uid: 1,
      failed: 3,
    });
    expect(state.failures).toEqual({ imprecise_id: 1, not_in_lytics: 1, '400006': 1 });
    expect(breachOfLaw(state.counts)).toBeUndefined();
  });

  it('of users without UIDs alone needs no write', () => {
    const state = run();
    countPage(state, fetchedPage({ page: null, count: 10, no_gigya_id: 10 }), null);
    expect(state.counts).toMatchObject({ members: 10, no_gigya_id: 10 });
    expect(breachOfLaw(state.counts)).toBeUndefined();
    expect(state.sweep.counted).toBe(10);
  });

  it('remembers what was read back, once for the run', () => {
    const state = run();
    countPage(state, fetchedPage(), writtenPage({ readBack: { write: true, replacement: false } }));
    countPage(state, fetchedPage(), writtenPage({ readBack: { write: false, replacement: true } }));
    countPage(state, fetchedPage(), writtenPage());
    expect(state.readBack).toEqual({ write: true, replacement: true });
  });

  it('adds those who carry the audience now', () => {
    const state = run();
    countPage(state, fetchedPage(), writtenPage({ updated: 10, carrying: 8 }));
    countPage(state, fetchedPage(), writtenPage({ unchanged: 10, carrying: 10 }));
    expect(state.sweep.carrying).toBe(18);
  });

  it('and was stopped half-way counts for the users it got to: the law holds for them', () => {
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
            count,
            rows: count,
            no_gigya_id: no_id,
            failures: { imprecise_id: own },
          });
          countPage(
            state,
            page,
            writtenPage({ updated, unchanged, unknown_uid: unknown, failed, stopped: true }),
          );
          expect(breachOfLaw(state.counts)).toBeUndefined();
          expect(state.counts.members).toBe(count - open);
          expect(state.sweep.counted).toBe(count - open);
        },
      ),
    );
  });

  it('and was lost in part breaks the law', () => {
    const state = run();
    countPage(state, fetchedPage({ count: 10 }), writtenPage({ updated: 9 }));
    expect(breachOfLaw(state.counts)).toBe('10 users were seen, but 9 are accounted for');
  });
});

describe('the fate of the users so far', () => {
  it('leaves out those without a UID, and speaks of unknown UIDs by their code', () => {
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
    expect(fateSoFar(state)).toEqual({ handled: 17, failures: { '400006': 2, '403005': 6 } });
    expect(fateSoFar(run())).toEqual({ handled: 0, failures: {} });
  });
});

describe('warnings', () => {
  it('stand once each, and twenty at the most', () => {
    const state = run();
    for (let n = 0; n < 50; n++) warn(state, `warning ${n % 30}`);
    expect(state.warnings).toEqual(Array.from({ length: 20 }, (_, n) => `warning ${n}`));
  });
});

describe('the summary', () => {
  it('is what the run leaves behind', () => {
    const state = run(({ counts, failures, sweep, warnings }) => {
      counts.members = 3;
      counts.updated = 3;
      failures['400006'] = 1;
      sweep.number = 2;
      warnings.push('from the run');
    });
    expect(summarize(state, plan, 3, 61_400)).toEqual({
      job: 'VIPs to Gigya',
      counts: { ...noCounts(), members: 3, updated: 3 },
      failures: { '400006': 1 },
      audience: { id: 'a1', slug: 'vip', label: 'vip', size: 100 },
      in_gigya: 3,
      dry_run: true,
      sweeps: 2,
      seconds: 60,
      warnings: ['from the preflight', 'from the run'],
    });
  });

  it('warns of members who share a UID, and tells how many', () => {
    const state = run();
    stepPast(state, fetchedPage({ duplicates: 2 }));
    stepPast(state, fetchedPage({ duplicates: 3 }));
    expect(summarize(state, plan, null, 2_000).warnings).toContain(
      '5 members share their Gigya UID with another; they got the union of their audiences',
    );
  });
});
