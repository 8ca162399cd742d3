import { isGrpcServiceError, ServiceError, type WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { CommanderError } from 'commander';
import { noCounts } from '../counts.ts';
import { BadJson } from '../documents.ts';
import { InvalidJob } from '../job.ts';
import type { FailedRun } from '../workflows/failures.ts';

/** Exit codes of the client; `--help` lists them. */
export const EXIT = {
  /** The run completed, or the command did its work. */
  ok: 0,
  /** The run failed or was cancelled, or the command could not be carried out. */
  refused: 1,
  /** The command line, the file or the document is wrong. */
  usage: 2,
  /** No Temporal server, or no worker, answers. */
  unreachable: 3,
  /** The run completed, but some records could not be written. */
  failedRecords: 4,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

/** The command cannot be carried out; the message says why and what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The command line or a file that it names is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The server or the workers do not answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Ctrl-C. The prompts' own error has the same name. */
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

/** The message that is shown when an error ends the command. */
export function messageOf(error: unknown): string {
  if (isInterrupted(error)) return 'Interrupted: nothing was started';
  if (error instanceof CommanderError) return usageOf(error);
  const { message } = asError(error);
  return isServerError(error)
    ? `Temporal rejected the call, or became unreachable: ${detailsOf(error)}`
    : message;
}

/** commander's message without its label; where it prints the help instead, the message is a placeholder. */
function usageOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'No command was given; --help lists the commands';
  return message.replace(/^error: /, '');
}

/** The server rejected a call, or became unreachable. */
export function isServerError(error: unknown): boolean {
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

/** The failure that says what to do: the run's own, without Temporal's wrappers. */
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

/** What a failed run had done: its failure carries it, so that no worker has to be there. Undefined when it does not say. */
export function doneBefore({ cause }: WorkflowFailedError): FailedRun | undefined {
  const [detail] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  return isFailedRun(detail) ? detail : undefined;
}

function isFailedRun(detail: unknown): detail is FailedRun {
  if (typeof detail !== 'object' || detail === null) return false;
  if (!('counts' in detail && 'failures' in detail)) return false;
  const { counts, failures } = detail;
  const isObject = typeof counts === 'object' && counts !== null && typeof failures === 'object';
  return isObject && Object.keys(noCounts()).every((name) => name in counts) && failures !== null;
}
