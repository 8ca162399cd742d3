import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AuthorizationError } from '../authorizations.ts';
import { GigyaError } from '../gigya/errors.ts';
import { InvalidJob } from '../job.ts';
import { LyticsError } from '../lytics/errors.ts';
import type { FinalFailure } from '../names.ts';

/** Gigya asks for a minute at least before it is called again. */
const UNAVAILABLE = 503001;
/** After so many attempts of an activity a clock or a nonce that Gigya refuses is no accident. */
const ATTEMPTS_TO_MEND = 5;

export function finalFailure(type: FinalFailure, message: string): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true });
  // The message says what to change; where in the code that was noticed helps nobody who reads a history.
  failure.stack = `${type}: ${message}`;
  return failure;
}

/** What an activity's error means to Temporal: whether to try again, and when. */
export function asFailure(error: unknown, attempt: number): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof InvalidJob) return finalFailure('InvalidJob', error.message);
  if (error instanceof AuthorizationError) return finalFailure('Configuration', error.message);
  if (error instanceof LyticsError) {
    if (error.kind === 'configuration') return finalFailure('Configuration', error.message);
    return ApplicationFailure.create({ type: 'Lytics', message: error.message });
  }
  if (error instanceof GigyaError) {
    const isFinal = error.kind === 'configuration' || (error.kind === 'once' && attempt >= ATTEMPTS_TO_MEND);
    if (isFinal) return finalFailure('Configuration', error.message);
    return ApplicationFailure.create({
      type: 'Gigya',
      message: error.message,
      ...(error.code === UNAVAILABLE && { nextRetryDelay: '60 s' as const }),
    });
  }
  return error;
}
