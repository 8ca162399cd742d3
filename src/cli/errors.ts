import { isGrpcServiceError, ServiceError, type WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { CommanderError } from 'commander';
import { BadJson } from '../documents.ts';
import { InvalidJob } from '../job.ts';

/** Exit codes of the client; `--help` lists them. */
export const EXIT = {
  /** The run completed, or the command did its work. */
  ok: 0,
  /** The run failed or was cancelled, or the command was refused. */
  refused: 1,
  /** The command line, the file or the document is wrong. */
  usage: 2,
  /** No Temporal server, or no worker, answers. */
  unreachable: 3,
  /** The run completed, but Gigya refused some records. */
  failedRecords: 4,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

/** What was asked for cannot be done as things are; the message says why and what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The command line or a file that it names is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Neither the server nor a worker answers. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Ctrl-C. The name is the one that the prompts' own error has. */
export class Interrupted extends Error {
  override readonly name = 'ExitPromptError';
}

export function isInterrupted(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const isUsage = [UsageError, InvalidJob, BadJson].some((type) => error instanceof type);
  if (isUsage) return EXIT.usage;
  if (error instanceof Unreachable || isServerError(error)) return EXIT.unreachable;
  if (isInterrupted(error)) return EXIT.interrupted;
  return EXIT.refused;
}

/** What a person reads of an error that ended the command. */
export function messageOf(error: unknown): string {
  if (isInterrupted(error)) return 'Interrupted: nothing was started';
  const { message } = asError(error);
  return isServerError(error) ? `Temporal refused the call, or went away: ${detailsOf(error)}` : message;
}

/** The server refused a call, or went away during one. */
function isServerError(error: unknown): boolean {
  return error instanceof ServiceError || isGrpcServiceError(error);
}

function detailsOf(error: unknown): string {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause.details || cause.message : asError(error).message;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

export interface Reason {
  /** A failure type of names.ts, `Cancelled`, `Terminated`, or the SDK's name of the failure. */
  type: string;
  message: string;
}

/** The failure that a person can do something about: the innermost one that is ours. */
export function reasonOf(error: WorkflowFailedError): Reason {
  let cause: Error | undefined = error.cause;
  if (cause instanceof ActivityFailure) cause = cause.cause ?? cause;
  if (cause instanceof CancelledFailure) return { type: 'Cancelled', message: 'The run was cancelled' };
  if (cause instanceof TerminatedFailure) {
    return { type: 'Terminated', message: `The run was terminated: ${cause.message}` };
  }
  const type = cause instanceof ApplicationFailure ? (cause.type ?? 'Error') : (cause?.name ?? 'Error');
  return { type, message: cause?.message ?? error.message };
}
