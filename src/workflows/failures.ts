import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { WrittenPage } from '../activities/checkpoint.ts';
import { type Counts, type Failures, noCounts } from '../counts.ts';
import { SEAL_BROKEN, TIMEOUT } from '../names.ts';

/** The details of a run's failure; a client can read them without a worker. */
export interface FailedRun {
  counts: Counts;
  failures: Failures;
}

/** The failure of a run: an activity's own failure instead of Temporal's "Activity task failed". */
export function plainly(error: unknown, failed: FailedRun): unknown {
  if (isCancellation(error)) return error;
  if (error instanceof ApplicationFailure) return asRunFailure(error, failed);
  if (!(error instanceof ActivityFailure)) return error;
  const { cause, activityType, retryState } = error;
  const isTimeout = cause instanceof TimeoutFailure;
  // When another retry would be too late, the server returns the last failure itself.
  if (isTimeout || retryState === 'TIMEOUT') {
    const last = isTimeout ? cause.cause : cause;
    const message = `${activityType} did not finish within its time limit${last ? `; it last failed with: ${last.message}` : ''}`;
    return asRunFailure(ApplicationFailure.create({ message, type: TIMEOUT }), failed, error);
  }
  if (cause instanceof ApplicationFailure) return asRunFailure(cause, failed, error);
  return error;
}

function asRunFailure({ message, type }: ApplicationFailure, failed: FailedRun, cause?: Error) {
  return ApplicationFailure.create({
    message,
    type: type ?? 'Error',
    nonRetryable: true,
    details: [failed],
    ...(cause && { cause }),
  });
}

/** The reason and type of a failure, as shown to people. */
export function reasonOf(error: unknown): { reason: string; type: string } {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
  return { reason: cause instanceof Error ? cause.message : String(cause), type };
}

/** Whether an activity could not open its page. */
export function isSealBroken(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof ApplicationFailure && error.cause.type === SEAL_BROKEN;
}

/**
 * What a page had written when its activity failed finally, or was cancelled; undefined when that is not known.
 *
 * @param reported What failed attempts of an activity reported. One that waits for its next attempt is cancelled
 *   without a result.
 */
export function writtenBefore(
  error: unknown,
  reported: (activity: string) => WrittenPage | undefined,
): WrittenPage | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  const [detail] = error.cause instanceof ApplicationFailure ? (error.cause.details ?? []) : [];
  if (isWrittenPage(detail)) return detail;
  const before = reported(error.activityId ?? '');
  return before && { ...before, stopped: true };
}

export function isWrittenPage(detail: unknown): detail is WrittenPage {
  if (typeof detail !== 'object' || detail === null) return false;
  const { updated, unchanged, unknown_uid, failed } = { ...noCounts(), ...detail };
  const numbers = [updated, unchanged, unknown_uid, failed];
  return (
    numbers.every((one) => typeof one === 'number') &&
    'readBack' in detail &&
    'failures' in detail &&
    isObject(detail.readBack) &&
    isObject(detail.failures)
  );
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
