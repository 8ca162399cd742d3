import { type Command, InvalidArgumentError } from 'commander';
import { commandLine } from './commandLine.ts';
import { type Output, outputFor } from './print.ts';

/** Adds one command to the program. */
export type AddCommand = (program: Command) => void;

/** Examples are printed as they are typed, and tests run them. */
export function example(...words: string[]): string {
  return `\nExample:\n  ${commandLine(...words)}`;
}

/** How results are written, from the options that stand before or after the command. */
export function outputOf(command: Command): Output {
  return outputFor(command.optsWithGlobals<{ json?: boolean }>().json ?? false);
}

/** An option's value that counts something. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a whole number');
}

export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('must be 1 or more');
}

/** An option's value that is the id of a run. */
export function runIdOf(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new InvalidArgumentError('must be the id of a run, as `history` prints it in a pipe and in JSON');
}

export const NAME = ['<name>', "the job's name, or what `list` shows for it"] as const;
export const FILE = ['<file>', 'the job document; - reads it from standard input'] as const;
