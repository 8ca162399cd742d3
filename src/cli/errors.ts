import type { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';

/** Exit codes of the client. */
export const EXIT = {
  /** The run completed, or the command did what it says. */
  ok: 0,
  /** The run failed, or what was asked is refused as things are. */
  refused: 1,
  /** The command line, the file or the document is wrong. */
  usage: 2,
  /** No Temporal server, or no worker, answers. */
  unreachable: 3,
} as const;

/** What was asked for cannot be done as things are; the message says why and what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The command line or a file that it names is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Nobody answers: the server, or a worker. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The failure that a person can do something about: the innermost one that we made. */
export function reasonOf(error: WorkflowFailedError): { type: string; message: string } {
  let cause: Error | undefined = error.cause;
  if (cause instanceof ActivityFailure) cause = cause.cause ?? cause;
  if (cause instanceof CancelledFailure) return { type: 'Cancelled', message: 'The run was cancelled' };
  const type = cause instanceof ApplicationFailure ? (cause.type ?? 'Error') : (cause?.name ?? 'Error');
  return { type, message: cause?.message ?? error.message };
}
