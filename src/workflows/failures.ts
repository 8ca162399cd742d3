import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';

/** The failure that says what to change, where an activity's lies inside "Activity task failed". */
export function plainly(error: unknown): unknown {
  if (!(error instanceof ActivityFailure)) return error;
  const { cause, activityType } = error;
  if (cause instanceof ApplicationFailure) {
    const { message, type } = cause;
    return ApplicationFailure.create({ message, type: type ?? 'Error', nonRetryable: true, cause: error });
  }
  if (cause instanceof TimeoutFailure) {
    const last = cause.cause ? `; it failed last with: ${cause.cause.message}` : '';
    const message = `${activityType} got nowhere within its time limit${last}`;
    return ApplicationFailure.create({ message, type: 'Timeout', nonRetryable: true, cause: error });
  }
  return error;
}
