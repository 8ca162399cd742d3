import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { commandLine, pipedCommandLine } from './commandLine.ts';
import { COMMANDS } from './commands/index.ts';

/** The command line of the client: its options, help and commands. */
export function createProgram(): Command {
  const program = new Command(commandLine())
    .description('Exports Lytics audiences to Gigya: starts, shows and controls jobs')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--json', 'print one JSON value, errors as well')
    .helpOption('-h, --help', 'print help; after a command, help for that command')
    .showHelpAfterError('(add --help for more)')
    .exitOverride()
    .addHelpText('after', HELP);
  for (const addCommand of COMMANDS) addCommand(program);
  return program;
}

const HELP = `
NAME is the job's name in any spelling with the same letters and digits:
"VIPs to Gigya" or vips-to-gigya.

Examples:
  ${commandLine('run', 'examples/job.json')}
  ${commandLine('status', 'vips-to-gigya')}
  ${pipedCommandLine('list')} | cut -f 1,3
  ${pipedCommandLine('--json', 'list')} | jq

Output: tables on a terminal, lines with tab-separated fields in a pipe. With
--json, standard output has one JSON value, and an error is one JSON object on
standard error. (npm prints a banner on standard output unless it runs with -s.)

Exit codes:
    0  done; or the run that was followed completed
    1  the run failed or was cancelled, or the command could not be carried out
    2  the command line, the file or the document is wrong
    3  no Temporal server, or no worker, answers
    4  the run completed, but some records could not be written
  130  Ctrl-C; the run continues

Environment:
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other TEMPORAL_* variables, or
  temporal.toml: where Temporal is
  TASK_QUEUE: the task queue of the workers (default gigya-export)`;
