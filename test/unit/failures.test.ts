import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asFailure } from '../../src/activities/failures.ts';
import { AuthorizationError } from '../../src/authorizations.ts';
import { GigyaError, type GigyaErrorKind } from '../../src/gigya/errors.ts';
import { InvalidJob } from '../../src/job.ts';
import { LyticsError, type LyticsErrorKind } from '../../src/lytics/errors.ts';

const gigya = (kind: GigyaErrorKind, code?: number) => new GigyaError('said', { kind, method: 'x', code });
const lytics = (kind: LyticsErrorKind) => new LyticsError('said', kind);

describe("an activity's error, to Temporal", () => {
  it.each<[what: string, error: Error, type: string, message: string]>([
    ['a job document that is wrong', new InvalidJob(['name: missing']), 'InvalidJob', 'name: missing'],
    ['an authorization that is wrong', new AuthorizationError('said'), 'Configuration', 'said'],
    ['a configuration fault at Gigya', gigya('configuration', 403010), 'Configuration', 'said'],
    ['a configuration fault at Lytics', lytics('configuration'), 'Configuration', 'said'],
  ])('is final: %s', (_what, error, type, message) => {
    const failure = asFailure(error, 1);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type, nonRetryable: true, message: expect.stringContaining(message) });
  });

  it.each<[what: string, error: Error, type: string]>([
    ['Gigya not answering', gigya('transient'), 'Gigya'],
    ['a refusal of a record', gigya('record', 400006), 'Gigya'],
    ['a clock that Gigya refuses', gigya('once', 403002), 'Gigya'],
    ['Lytics not answering', lytics('transient'), 'Lytics'],
    ['a cursor that is none', lytics('not_found'), 'Lytics'],
    ['a request that Lytics refuses', lytics('refused'), 'Lytics'],
  ])('is to be tried again: %s', (_what, error, type) => {
    expect(asFailure(error, 1)).toMatchObject({ type, nonRetryable: false, message: 'said' });
  });

  it('of a clock that Gigya goes on to refuse is final in the end', () => {
    expect(asFailure(gigya('once', 403002), 4)).toMatchObject({ nonRetryable: false });
    expect(asFailure(gigya('once', 403002), 5)).toMatchObject({ type: 'Configuration', nonRetryable: true });
  });

  it('503001 is to be tried again after the minute that Gigya asks for, others when Temporal sees fit', () => {
    expect(asFailure(gigya('transient', 503001), 1)).toMatchObject({ nextRetryDelay: '60 s' });
    expect(asFailure(gigya('transient', 500001), 1)).not.toMatchObject({ nextRetryDelay: expect.anything() });
  });

  it('that is a failure already stays as it is', () => {
    for (const error of [ApplicationFailure.create({ type: 'x' }), new CancelledFailure('cancelled')])
      expect(asFailure(error, 1)).toBe(error);
  });

  it('that nobody thought of stays as it is: Temporal tries it again', () => {
    const error = new TypeError('a mistake');
    expect(asFailure(error, 1)).toBe(error);
  });
});
