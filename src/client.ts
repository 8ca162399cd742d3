#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf, messageOf } from './cli/errors.ts';
import { createProgram } from './cli/program.ts';

/** Known before the command line is parsed, since that may fail. */
const isJson = process.argv.includes('--json');

// A reader that closes the pipe (`… | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const program = createProgram();
if (isJson) silenceUsage();
try {
  await program.parseAsync();
  if (process.exitCode === EXIT.interrupted) process.exit();
} catch (error) {
  const exitCode = exitCodeOf(error);
  process.exitCode = exitCode;
  report(error, exitCode);
  // After Ctrl-C, do not wait for pending answers.
  if (exitCode === EXIT.interrupted) process.exit();
}

function report(error: unknown, exitCode: number): void {
  if (exitCode === EXIT.ok) return;
  const isUsage = error instanceof CommanderError;
  if (isJson) {
    const type = isUsage ? 'UsageError' : error instanceof Error ? error.name : 'Error';
    const value = { error: { type, message: messageOf(error), exit_code: exitCode } };
    process.stderr.write(`${JSON.stringify(value, null, 2)}\n`);
    // commander has printed its own errors.
  } else if (!isUsage) process.stderr.write(`${messageOf(error)}\n`);
}

/** The report in JSON takes the place of commander's text. */
function silenceUsage(): void {
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: () => {} });
}
