import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { commandLine, pipedCommandLine } from './cli/commandLine.ts';
import { COMMANDS } from './cli/commands/index.ts';
import { EXIT, exitCodeOf, messageOf } from './cli/errors.ts';

/** A reader that has seen enough (`… | head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const program = new Command('client')
  .description('Exports Lytics audiences to Gigya: starts, shows and controls jobs')
  .version(version(), '-V, --version', 'print the version')
  .option('--json', 'print one JSON value, errors as well', false)
  .helpOption('-h, --help', 'print help; after a command, help for that command')
  .showHelpAfterError('(add --help for more)')
  .exitOverride()
  .configureOutput({ writeErr: (text) => isJson() || process.stderr.write(text) })
  .addHelpText(
    'after',
    `
NAME is the job's name in any spelling with the same letters and digits:
"VIPs to Gigya" or vips-to-gigya.

Examples:
  ${commandLine('run', 'examples/job.json')}
  ${commandLine('status', 'vips-to-gigya')}
  ${pipedCommandLine('list')} | cut -f 1,3
  ${pipedCommandLine('--json', 'list')} | jq

Output: a terminal gets tables, a pipe lines with tabs between the fields. With
--json, standard output has one JSON value, and an error is one JSON object on
standard error. (npm prints a banner on standard output unless it runs with -s.)

Exit codes:
    0  done; or the run that was followed completed
    1  the run failed or was cancelled, or the command was refused
    2  the command line, the file or the document is wrong
    3  no Temporal server, or no worker, answers
    4  the run completed, but Gigya refused some records
  130  Ctrl-C; a run under way goes on

Temporal's address: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other TEMPORAL_*
variables, or temporal.toml. TASK_QUEUE: the workers' task queue.`,
  );
for (const addCommand of COMMANDS) addCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  report(error);
  // After Ctrl-C, nobody waits for an answer that is still to come.
  if (process.exitCode === EXIT.interrupted) process.exit();
}

function report(error: unknown): void {
  const isUsage = error instanceof CommanderError;
  if (isUsage && process.exitCode === EXIT.ok) return;
  if (isJson()) {
    const type = isUsage ? 'UsageError' : error instanceof Error ? error.name : 'Error';
    const value = { error: { type, message: messageOf(error), exit_code: process.exitCode } };
    process.stderr.write(`${JSON.stringify(value, null, 2)}\n`);
  } else if (!isUsage) process.stderr.write(`${messageOf(error)}\n`);
}

/** Known before the command line is parsed, since that may fail. */
function isJson(): boolean {
  return process.argv.includes('--json');
}

function version(): string {
  // The sources are a folder below package.json, the build is two.
  const folder = import.meta.url.endsWith('.js') ? '../../' : '../';
  const { version: written }: { version: string } = JSON.parse(
    readFileSync(new URL(`${folder}package.json`, import.meta.url), 'utf8'),
  );
  return written;
}
