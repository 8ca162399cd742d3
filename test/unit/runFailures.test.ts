import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { noCounts } from '../../src/counts.ts';
import { isSealBroken, plainly, reasonOf, writtenBefore } from '../../src/workflows/failures.ts';
import { writtenPage } from '../support/pages.ts';

const failed = (cause: Error | undefined) =>
  new ActivityFailure('Activity task failed', 'updateGigya', '1', 'NON_RETRYABLE_FAILURE', undefined, cause);

const soFar = { counts: { ...noCounts(), members: 3, updated: 3 }, failures: { '400006': 1 } };

describe('a page that its activity could not open', () => {
  it('is identified by the type of the failure', () => {
    expect(isSealBroken(failed(ApplicationFailure.nonRetryable('x', 'SealBroken')))).toBe(true);
  });

  it.each([
    ['another failure of an activity', failed(ApplicationFailure.nonRetryable('x', 'Configuration'))],
    ['a timeout', failed(new TimeoutFailure('x', undefined, 'START_TO_CLOSE'))],
    ['no cause', failed(undefined)],
    ['a failure of the workflow itself', ApplicationFailure.nonRetryable('x', 'SealBroken')],
    ['something else', 'SealBroken'],
  ])('is not %s', (_what, error) => {
    expect(isSealBroken(error)).toBe(false);
  });
});

describe('the failure of a run', () => {
  it('is that of its activity, with the counts of the run', () => {
    const failure = plainly(
      failed(ApplicationFailure.nonRetryable('correct the secret', 'Configuration')),
      soFar,
    );
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      message: 'correct the secret',
      type: 'Configuration',
      nonRetryable: true,
      details: [soFar],
    });
  });

  it('is its own, with its counts', () => {
    expect(plainly(ApplicationFailure.nonRetryable('refused', 'Guard'), soFar)).toMatchObject({
      message: 'refused',
      type: 'Guard',
      details: [soFar],
    });
  });

  it('of a timeout contains the last failure of the activity', () => {
    const last = ApplicationFailure.retryable('Gigya answered 500001', 'Gigya');
    const timeout = new TimeoutFailure('x', undefined, 'SCHEDULE_TO_CLOSE');
    expect(plainly(failed(timeout), soFar)).toMatchObject({
      type: 'Timeout',
      message: 'updateGigya did not finish within its time limit',
    });
    const withLast = Object.assign(new TimeoutFailure('x', undefined, 'SCHEDULE_TO_CLOSE'), { cause: last });
    expect(plainly(failed(withLast), soFar)).toMatchObject({
      message: 'updateGigya did not finish within its time limit; it last failed with: Gigya answered 500001',
    });
  });

  it('is a timeout too when there was no time for another attempt', () => {
    const last = ApplicationFailure.retryable('Gigya answered 500001', 'Gigya');
    const late = new ActivityFailure('x', 'updateGigya', '1', RetryState.TIMEOUT, undefined, last);
    expect(plainly(late, soFar)).toMatchObject({
      type: 'Timeout',
      message: 'updateGigya did not finish within its time limit; it last failed with: Gigya answered 500001',
      nonRetryable: true,
    });
  });

  it.each([
    ['a cancellation', new CancelledFailure('x')],
    [
      'a cancelled activity',
      new ActivityFailure(
        'x',
        'updateGigya',
        '1',
        RetryState.CANCEL_REQUESTED,
        undefined,
        new CancelledFailure('x'),
      ),
    ],
    ['a mistake in the workflow', new TypeError('x')],
  ])('is %s unchanged', (_what, error) => {
    expect(plainly(error, soFar)).toBe(error);
  });

  it('has a reason and a type for people', () => {
    const cause = ApplicationFailure.nonRetryable('correct the secret', 'Configuration');
    expect(reasonOf(failed(cause))).toEqual({ reason: 'correct the secret', type: 'Configuration' });
    expect(reasonOf(cause)).toEqual({ reason: 'correct the secret', type: 'Configuration' });
    expect(reasonOf(failed(undefined))).toEqual({ reason: 'Activity task failed', type: '' });
    expect(reasonOf(new TypeError('x'))).toEqual({ reason: 'x', type: '' });
    expect(reasonOf('x')).toEqual({ reason: 'x', type: '' });
  });
});

describe('what a page had written when it failed', () => {
  const withDetail = (detail: unknown) =>
    failed(ApplicationFailure.create({ message: 'x', type: 'Configuration', details: [detail] }));

  it('is in the details of the failure', () => {
    const written = writtenPage({ updated: 3, stopped: true });
    expect(writtenBefore(withDetail(written), () => writtenPage({ updated: 1 }))).toEqual(written);
  });

  it('is what its failed attempts reported when it was cancelled while it waited for the next', () => {
    const reported = (activity: string) => (activity === '1' ? writtenPage({ updated: 3 }) : undefined);
    expect(writtenBefore(failed(new CancelledFailure('x')), reported)).toEqual(
      writtenPage({ updated: 3, stopped: true }),
    );
  });

  it.each([
    ['no details', failed(ApplicationFailure.nonRetryable('x'))],
    ['another detail', withDetail({ updated: 3 })],
    ['a text', withDetail('x')],
    ['null', withDetail(null)],
    ['figures that are not numbers', withDetail({ ...writtenPage(), updated: 'x' })],
    ['failures that are not counts', withDetail({ ...writtenPage(), failures: null })],
    ['a timeout', failed(new TimeoutFailure('x', undefined, 'START_TO_CLOSE'))],
    ['a failure of the workflow itself', ApplicationFailure.nonRetryable('x')],
    ['something else', new Error('x')],
  ])('is unknown with %s', (_what, error) => {
    expect(writtenBefore(error, () => undefined)).toBeUndefined();
  });
});
