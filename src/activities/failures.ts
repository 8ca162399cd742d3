import type { Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AuthorizationError } from '../authorizations.ts';
import { ServiceError } from '../errors.ts';
import { InvalidJob } from '../job.ts';
import { type FinalFailure, NO_AUTHORIZATION, UNEXPECTED } from '../names.ts';
import {
  BRIEF_DELAY,
  BRIEF_TRIES,
  MOST_COUNTED_ACTIVITIES,
  OTHER_WORKER_DELAY,
  OTHER_WORKER_TRIES,
  UNEXPECTED_TRIES,
} from '../tuning.ts';

const LONGEST_MESSAGE = 500;

export function finalFailure(type: FinalFailure, message: string): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true });
  // The message says what to change; a stack trace would only clutter the history.
  failure.stack = `${type}: ${message}`;
  return failure;
}

/** Turns the errors of activities into Temporal failures. */
export interface Failures {
  toFailure(error: unknown, activity: Info): Error;
  /** The activity succeeded: its earlier failures no longer count. */
  forget(activity: Info): void;
}

export function createFailures(): Failures {
  const tries = new Map<string, number>();

  /** Failures of an activity in a row, in this worker: attempts that ended for other reasons do not count. */
  function isLastTry(activity: Info, most: number): boolean {
    const key = keyOf(activity);
    const count = (tries.get(key) ?? 0) + 1;
    tries.delete(key);
    if (count >= most) return true;
    tries.set(key, count);
    const [oldest] = tries.keys();
    if (oldest !== undefined && tries.size > MOST_COUNTED_ACTIVITIES) tries.delete(oldest);
    return false;
  }

  function ofService(error: ServiceError, activity: Info): ApplicationFailure {
    const { message, service } = error;
    if (error.retry === 'never') return finalFailure('Configuration', message);
    if (error.retry === 'briefly') {
      if (isLastTry(activity, BRIEF_TRIES)) return finalFailure('Configuration', message);
      return ApplicationFailure.create({ type: service, message, nextRetryDelay: BRIEF_DELAY });
    }
    return ApplicationFailure.create({
      type: service,
      message,
      ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
    });
  }

  return {
    toFailure(error, activity) {
      if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
      if (error instanceof InvalidJob) return finalFailure('InvalidJob', error.message);
      if (error instanceof AuthorizationError) {
        const { message } = error;
        if (isLastTry(activity, OTHER_WORKER_TRIES)) return finalFailure('Configuration', message);
        return ApplicationFailure.create({
          type: NO_AUTHORIZATION,
          message,
          nextRetryDelay: OTHER_WORKER_DELAY,
        });
      }
      if (error instanceof ServiceError) return ofService(error, activity);
      return ApplicationFailure.create({
        type: UNEXPECTED,
        message: describeUnexpected(error),
        nonRetryable: isLastTry(activity, UNEXPECTED_TRIES),
      });
    },
    forget: (activity) => tries.delete(keyOf(activity)),
  };
}

/** Adds the work that an attempt had done to its final failure. */
export function withDetails(failure: Error, soFar: (() => unknown) | undefined): Error {
  if (!soFar || !(failure instanceof ApplicationFailure) || !failure.nonRetryable) return failure;
  const { message, type, stack } = failure;
  const detailed = ApplicationFailure.create({
    message,
    type: type ?? 'Error',
    nonRetryable: true,
    details: [soFar()],
  });
  if (stack !== undefined) detailed.stack = stack;
  return detailed;
}

const keyOf = ({ workflowExecution, activityId }: Info) => `${workflowExecution?.runId}/${activityId}`;

/** Quoted text may be user data: it is omitted. */
function describeUnexpected(error: unknown): string {
  if (!(error instanceof Error)) return 'Unexpected error; report it';
  // A SyntaxError quotes its input.
  const message = error instanceof SyntaxError ? '' : error.message.replace(/(["'`]).*?\1/gs, '…');
  const place = /\((?:.*\/)?((?:src|dist)\/[^)]+)\)/.exec(error.stack ?? '')?.[1];
  const said = `Unexpected ${error.name}: ${message}`.slice(0, LONGEST_MESSAGE);
  return `${said}${place ? ` (${place})` : ''}; this is a bug in lytics-gigya-export, report it`;
}
