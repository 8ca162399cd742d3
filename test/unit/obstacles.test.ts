import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import {
  isSealBroken,
  OBSTACLES,
  shortfall,
  sweepAgain,
  warnIfShort,
} from '../../src/workflows/obstacles.ts';
import { beginRun, countPage, type Run, stepPast } from '../../src/workflows/run.ts';
import { fetchedPage, writtenPage } from '../support/pages.ts';

/** A run that has gone through pages of ten. */
function runThrough(
  pages: number,
  { lossy = false, total = 100 }: { lossy?: boolean; total?: number | null } = {},
): Run {
  const run = beginRun(0);
  for (let n = 0; n < pages; n++) {
    const page = fetchedPage({ lossy, total });
    stepPast(run, page);
    countPage(run, page, writtenPage({ updated: 10 }));
  }
  return run;
}

describe('a sweep fell short', () => {
  it('when requests had to be repeated and fewer users came than Lytics tells', () => {
    expect(shortfall(runThrough(9, { lossy: true }))).toEqual({
      reason: 'Requests to Lytics had to be repeated, and 90 of 100 users came',
    });
  });

  it('when requests had to be repeated and Lytics tells no total', () => {
    expect(shortfall(runThrough(9, { lossy: true, total: null }))).toBeDefined();
  });

  it('not when all came, repeated or not', () => {
    expect(shortfall(runThrough(10, { lossy: true }))).toBeUndefined();
    expect(shortfall(runThrough(11, { lossy: true }))).toBeUndefined();
  });

  it('not when nothing had to be repeated: users come and go while they are gone through', () => {
    expect(shortfall(runThrough(9))).toBeUndefined();
    expect(shortfall(runThrough(9, { total: null }))).toBeUndefined();
  });
});

describe('a scan that ended early without an obstacle', () => {
  it.each([
    [9, ['Lytics told of 100 users, and 90 came']],
    [10, []],
    [11, []],
  ])('after %i of 10 pages', (pages, warnings) => {
    const run = runThrough(pages);
    warnIfShort(run);
    expect(run.warnings).toEqual(warnings);
  });

  it('is no matter when Lytics tells no total', () => {
    const run = runThrough(9, { total: null });
    warnIfShort(run);
    expect(run.warnings).toEqual([]);
  });
});

describe('the audience is gone through again', () => {
  it('from its start, with the counts kept and a warning', () => {
    const run = runThrough(3);
    expect(sweepAgain(run, OBSTACLES.expired)).toBe(true);
    expect(run.sweep).toEqual({
      number: 2,
      cursor: { start: '', before: '' },
      seen: 0,
      fetched: 0,
      counted: 0,
      lossy: false,
      carrying: 0,
      updatedBefore: 30,
      fruitless: 0,
    });
    expect(run.counts).toMatchObject({ members: 30, updated: 30 });
    expect(run.warnings).toEqual([
      "Lytics' cursor expired; the audience was gone through again from the start, and the counts hold each time",
    ]);
  });

  it('without end as long as each sweep writes something', () => {
    const run = runThrough(1);
    for (let n = 0; n < 20; n++) {
      expect(sweepAgain(run, OBSTACLES.expired)).toBe(true);
      countPage(run, fetchedPage({ count: 1 }), writtenPage({ updated: 1 }));
    }
    expect(run.sweep).toMatchObject({ number: 21, fruitless: 0 });
  });

  it('not after five sweeps in a row that wrote nothing', () => {
    const run = beginRun(0);
    const again = [1, 2, 3, 4, 5].map(() => sweepAgain(run, OBSTACLES.expired));
    expect(again).toEqual([true, true, true, true, false]);
  });

  it('and a sweep that wrote something starts the count anew', () => {
    const run = beginRun(0);
    for (let n = 0; n < 4; n++) sweepAgain(run, OBSTACLES.expired);
    expect(run.sweep.fruitless).toBe(4);
    run.counts.updated += 1;
    expect(sweepAgain(run, OBSTACLES.expired)).toBe(true);
    expect(run.sweep.fruitless).toBe(0);
  });
});

describe('a page that its activity could not open', () => {
  const failed = (cause: Error | undefined) =>
    new ActivityFailure(
      'Activity task failed',
      'updateGigya',
      '1',
      'NON_RETRYABLE_FAILURE',
      undefined,
      cause,
    );

  it('is told by the type of the failure', () => {
    expect(isSealBroken(failed(ApplicationFailure.nonRetryable('x', 'SealBroken')))).toBe(true);
  });

  it.each([
    ['another failure of an activity', failed(ApplicationFailure.nonRetryable('x', 'Configuration'))],
    ['a timeout', failed(new TimeoutFailure('x', undefined, 'START_TO_CLOSE'))],
    ['no cause', failed(undefined)],
    ['a failure of no activity', ApplicationFailure.nonRetryable('x', 'SealBroken')],
    ['something else', 'SealBroken'],
  ])('is not %s', (_what, error) => {
    expect(isSealBroken(error)).toBe(false);
  });
});
