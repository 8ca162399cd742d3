import type { Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { createFailures, withDetails } from '../../src/activities/failures.ts';
import { AuthorizationError } from '../../src/authorizations.ts';
import { type Decision, ServiceError } from '../../src/errors.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';
import { InvalidJob } from '../../src/job.ts';
import { misconfigured, refusal, unanswered } from '../../src/lytics/errors.ts';
import { MOST_COUNTED_ACTIVITIES, OTHER_WORKER_DELAY, OTHER_WORKER_TRIES } from '../../src/tuning.ts';
import { activityInfo } from '../support/activity.ts';

const gigya = (code: number) => new GigyaError('said', decide('accounts.setAccountInfo', code));
const deciding = (decision: Partial<Decision>) =>
  new ServiceError('Gigya', 'said', { retry: 'now', scope: 'job', reason: 'x', ...decision });
const first = activityInfo();
const attempt = (number: number, activityId = 'a'): Info => activityInfo({ attempt: number, activityId });

describe("an activity's error becomes a Temporal failure", () => {
  it.each<[what: string, error: Error, type: string, message: string]>([
    ['an invalid job document', new InvalidJob(['name: missing']), 'InvalidJob', 'name: missing'],
    ['a configuration fault at Gigya', gigya(403010), 'Configuration', 'said'],
    ['a configuration fault at Lytics', misconfigured('said'), 'Configuration', 'said'],
    ['a wrong Lytics token', refusal('said', 401, true, 'lytics'), 'Configuration', 'lytics.token'],
    // Where a record's refusal gets so far, the same call always fails.
    ['a refusal that nothing handled', gigya(400006), 'Configuration', 'said'],
    ['a query that Lytics refuses', refusal('said', 422, true, 'lytics'), 'Configuration', 'said'],
  ])('that ends the run: %s', (_what, error, type, message) => {
    const failure = createFailures().toFailure(error, first);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type, nonRetryable: true, message: expect.stringContaining(message) });
  });

  it.each<[what: string, error: Error, type: string]>([
    ['Gigya does not answer', gigya(504001), 'Gigya'],
    ['Gigya refuses the clock', gigya(403002), 'Gigya'],
    ['Lytics does not answer', unanswered('said'), 'Lytics'],
    ['Lytics answers 502', refusal('said', 502, false, 'lytics'), 'Lytics'],
    ['a page of HTML in place of Lytics', refusal('said', 400, false, 'lytics'), 'Lytics'],
  ])('that is retried: %s', (_what, error, type) => {
    expect(createFailures().toFailure(error, first)).toMatchObject({
      type,
      nonRetryable: false,
      message: expect.stringContaining('said'),
    });
  });

  it("that is retried after the delay of the service, or else by Temporal's policy", () => {
    const { toFailure } = createFailures();
    expect(toFailure(gigya(503001), first)).toMatchObject({ nextRetryDelay: 60_000 });
    expect(toFailure(gigya(500001), first)).not.toMatchObject({ nextRetryDelay: expect.anything() });
  });

  it('that is unchanged if it already is one', () => {
    for (const error of [ApplicationFailure.create({ type: 'x' }), new CancelledFailure('cancelled')])
      expect(createFailures().toFailure(error, first)).toBe(error);
  });

  it('without a stack trace when a setting is wrong', () => {
    const failure = createFailures().toFailure(misconfigured('said'), first);
    expect(failure.stack).toBe('Configuration: said');
  });
});

describe('a fault that may pass', () => {
  it('ends the run when it persists for a minute', () => {
    const { toFailure } = createFailures();
    for (let n = 1; n < 5; n++) {
      expect(toFailure(gigya(403002), attempt(n))).toMatchObject({
        type: 'Gigya',
        nonRetryable: false,
        nextRetryDelay: '10 s',
      });
    }
    expect(toFailure(gigya(403002), attempt(5))).toMatchObject({ type: 'Configuration', nonRetryable: true });
  });

  it('is counted separately for each activity, from its last success', () => {
    const { toFailure, forget } = createFailures();
    for (let n = 1; n < 5; n++) toFailure(gigya(403002), attempt(n, 'a'));
    expect(toFailure(gigya(403002), attempt(1, 'b'))).toMatchObject({ nonRetryable: false });
    forget(attempt(5, 'a'));
    expect(toFailure(gigya(403002), attempt(6, 'a'))).toMatchObject({ nonRetryable: false });
  });

  it('does not count attempts that ended for other reasons', () => {
    const { toFailure } = createFailures();
    // A worker that was shut down four times, or an outage, says nothing about the clock.
    expect(toFailure(gigya(403002), attempt(9))).toMatchObject({ nonRetryable: false });
  });
});

describe('an unexpected error', () => {
  it('ends the run after three attempts, because it is a bug', () => {
    const { toFailure } = createFailures();
    const mistake = new TypeError('x is not a function');
    for (const n of [1, 2])
      expect(toFailure(mistake, attempt(n))).toMatchObject({ type: 'Unexpected', nonRetryable: false });
    expect(toFailure(mistake, attempt(3))).toMatchObject({ type: 'Unexpected', nonRetryable: true });
  });

  it('is described by its name, message and place', () => {
    const mistake = new TypeError('x is not a function');
    mistake.stack = 'TypeError: x\n    at f (/srv/app/src/activities/scanRows.ts:12:3)\n    at g (node:x)';
    expect(createFailures().toFailure(mistake, first).message).toBe(
      'Unexpected TypeError: x is not a function (src/activities/scanRows.ts:12:3); this is a bug in lytics-gigya-export, report it',
    );
  });

  it.each([
    ['in double quotes', new Error('Cannot read "ada@example.com"')],
    ['in single quotes', new TypeError("Cannot read properties of 'ada@example.com'")],
    ['in backticks', new Error('no `ada@example.com`')],
    ['over several lines', new Error('no "\nada@example.com\n"')],
    [
      'in JSON that is broken',
      new SyntaxError('Unexpected token a, {"uid":ada@example.com is not valid JSON'),
    ],
    ['in something that is not an error', 'ada@example.com'],
  ])('contains no possible user data: %s', (_what, error) => {
    expect(createFailures().toFailure(error, first).message).not.toContain('ada@');
  });

  it('fits on a screen', () => {
    const failure = createFailures().toFailure(new Error('x'.repeat(100_000)), first);
    expect(failure.message.length).toBeLessThan(600);
  });
});

describe('an authorization that this worker cannot use', () => {
  const missing = new AuthorizationError('said');

  it('may be on another worker: the activity is retried for a while, then the run ends', () => {
    const { toFailure } = createFailures();
    const failures = Array.from({ length: OTHER_WORKER_TRIES }, (_, n) => toFailure(missing, attempt(n + 1)));
    const final = failures.pop();
    for (const failure of failures) {
      expect(failure).toMatchObject({
        type: 'Authorization',
        nonRetryable: false,
        nextRetryDelay: OTHER_WORKER_DELAY,
      });
    }
    expect(final).toMatchObject({ type: 'Configuration', nonRetryable: true, message: 'said' });
  });

  it('does not end a run whose attempts failed on another worker for other reasons', () => {
    expect(createFailures().toFailure(missing, attempt(100))).toMatchObject({ nonRetryable: false });
  });

  it('is counted for the newest activities only, since this worker does not see how others end', () => {
    const { toFailure } = createFailures();
    const of = (activityId: string) => toFailure(missing, { ...attempt(1), activityId });
    for (let tries = 1; tries < OTHER_WORKER_TRIES; tries++) of('oldest');
    for (let n = 0; n < MOST_COUNTED_ACTIVITIES; n++) of(`a${n}`);
    expect(of('oldest')).toMatchObject({ nonRetryable: false });
  });
});

describe('a final failure', () => {
  const soFar = () => ({ updated: 7 });

  it('carries the work that the attempt had done, and keeps its stack', () => {
    const failure = createFailures().toFailure(misconfigured('said'), first);
    const detailed = withDetails(failure, soFar);
    expect(detailed).toMatchObject({
      type: 'Configuration',
      message: 'said',
      nonRetryable: true,
      details: [{ updated: 7 }],
      stack: failure.stack,
    });
  });

  it('carries nothing when nothing was done or another attempt follows', () => {
    const final = createFailures().toFailure(misconfigured('said'), first);
    const passing = createFailures().toFailure(deciding({ retry: 'now' }), first);
    expect(withDetails(final, undefined)).toBe(final);
    expect(withDetails(passing, soFar)).toBe(passing);
    const cancelled = new CancelledFailure('x');
    expect(withDetails(cancelled, soFar)).toBe(cancelled);
  });
});
