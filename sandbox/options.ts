import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { patchSettings, type Settings, settingsSchema } from './settings.ts';

/** The switches of the command line. */
export type Options = {
  port: number;
  users: number;
  seed: number;
  audiences: number;
  outsiders?: number;
  odd: number;
  idField: string;
  latency: number;
  indexLag: number;
  cursor: 'repeatable' | 'scroll';
  quota?: [number, number];
  limits?: [number, number];
  settings?: unknown;
  authorizations?: string;
  force?: true;
  state?: string;
  json?: true;
  withParent?: true;
};

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Must be a whole number.');
  return Number(text);
}

function pair(text: string): [calls: number, searches: number] {
  const [calls, searches, ...more] = text.split(',').map(Number);
  if (!calls || !searches || more.length > 0)
    throw new InvalidArgumentError('Must be two numbers: calls,searches.');
  return [calls, searches];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('Must be JSON.');
  }
}

function createProgram(): Command {
  return new Command('sandbox')
    .description('A local Lytics and a local Gigya, for trying and testing the export')
    .option('--port <port>', 'port on 127.0.0.1; 0 picks a free one', whole, 0)
    .option('--users <count>', 'members of the audience "vip"', whole, 1000)
    .option('--seed <number>', 'the same seed makes the same users', whole, 1)
    .option('--audiences <count>', 'audiences beside "vip" and "all"', whole, 24)
    .option('--outsiders <count>', 'users who are not in "vip" (default: a twentieth of --users)', whole)
    .option('--odd <count>', 'rows of each odd kind: no UID, several, too long, quotes, …', whole, 0)
    .option('--id-field <field>', 'Lytics field that holds the Gigya UID', 'gy_profile_id')
    .option('--latency <ms>', 'delay before each request is looked at', whole, 0)
    .option('--index-lag <ms>', 'how far Gigya searches are behind its writes', whole, 1000)
    .addOption(
      new Option('--cursor <kind>', 'how Lytics pages')
        .choices(['repeatable', 'scroll'])
        .default('repeatable'),
    )
    .option('--quota <calls,searches>', 'what Gigya allows a second; more is answered 403048', pair)
    .option('--limits <calls,searches>', 'written as "limits" into the authorizations file', pair)
    .option('--settings <json>', 'any settings of PATCH /admin/settings, from the start', json)
    .option('--authorizations <file>', 'authorizations file to write (default: in the temporary folder)')
    .option('--force', 'overwrite the authorizations file even if no sandbox wrote it')
    .option('--state <file>', 'keep everything in this file, and continue from it')
    .option('--json', 'print one line of JSON when ready')
    .option('--with-parent', 'end when standard input does: for programs that start a sandbox');
}

/** Ends the process with a message where the command line is wrong. */
export function readOptions(argv: string[]): Options & { parsed: Settings } {
  const program = createProgram().parse(argv);
  const options = program.opts<Options>();
  const [callsPerSecond, searchesPerSecond] = options.quota ?? [null, null];
  const switches = {
    latencyMs: options.latency,
    lytics: { cursor: options.cursor },
    gigya: { indexLagMs: options.indexLag, callsPerSecond, searchesPerSecond },
  };
  try {
    return {
      ...options,
      parsed: patchSettings(settingsSchema.parse(switches), options.settings ?? {}),
    };
  } catch (error) {
    if (error instanceof z.ZodError) return program.error(`error: settings: ${z.prettifyError(error)}`);
    throw error;
  }
}
