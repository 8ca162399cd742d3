import { rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { authorizationsFor, type Limits, writeAuthorizations } from './authorizations.ts';
import { defaultPopulation } from './population.ts';
import { createSandboxServer } from './server.ts';
import { patchSettings, type Settings, settingsSchema } from './settings.ts';
import { createWorld } from './world.ts';

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number, please');
  return Number(text);
}

function pair(text: string): [calls: number, searches: number] {
  const [calls, searches, ...more] = text.split(',').map(Number);
  if (!calls || !searches || more.length > 0) throw new InvalidArgumentError('two numbers: calls,searches');
  return [calls, searches];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('JSON, please');
  }
}

const program = new Command('sandbox')
  .description('A local Lytics and a local Gigya, for trying and testing the export')
  .option('--port <port>', 'port on 127.0.0.1; 0 is a free one', whole, 0)
  .option('--users <count>', 'members of the audience "vip"', whole, 1000)
  .option('--seed <number>', 'the same seed makes the same users', whole, 1)
  .option('--audiences <count>', 'audiences beside "vip" and "all"', whole, 24)
  .option('--outsiders <count>', 'users who are not in "vip" (default: a twentieth of --users)', whole)
  .option('--odd <count>', 'rows of each odd kind: no UID, several, too long, quotes, …', whole, 0)
  .option('--id-field <field>', 'Lytics field that holds the Gigya UID', 'gy_profile_id')
  .option('--latency <ms>', 'before each request is looked at', whole, 0)
  .option('--index-lag <ms>', 'how far Gigya searches are behind its writes', whole, 1000)
  .addOption(
    new Option('--cursor <kind>', 'how Lytics pages').choices(['repeatable', 'scroll']).default('repeatable'),
  )
  .option('--quota <calls,searches>', 'what Gigya allows a second; more is answered 403048', pair)
  .option('--limits <calls,searches>', 'written as "limits" into the authorizations file', pair)
  .option('--settings <json>', 'any settings of PATCH /admin/settings, from the start', json)
  .option(
    '--authorizations <file>',
    'where to write the authorizations file (default: in the temporary folder)',
  )
  .option('--state <file>', 'keep everything here, and go on from it')
  .option('--json', 'print one line of JSON when ready')
  .option('--with-parent', 'end when standard input does: for programs that start a sandbox');

program.parse();

const options = program.opts<{
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
  state?: string;
  json?: true;
  withParent?: true;
}>();

const [callsPerSecond, searchesPerSecond] = options.quota ?? [null, null];
const settings = ((): Settings => {
  try {
    const switches = {
      latencyMs: options.latency,
      lytics: { cursor: options.cursor },
      gigya: { indexLagMs: options.indexLag, callsPerSecond, searchesPerSecond },
    };
    return patchSettings(settingsSchema.parse(switches), options.settings ?? {});
  } catch (error) {
    if (error instanceof z.ZodError) return program.error(`error: settings: ${z.prettifyError(error)}`);
    throw error;
  }
})();
const { users, seed, audiences, outsiders, idField } = options;
const world = createWorld({
  population: defaultPopulation({
    users,
    seed,
    audiences,
    idField,
    ...(outsiders !== undefined && { outsiders }),
  }),
  settings,
  odd: options.odd,
  stateFile: options.state,
});

const server = createSandboxServer(world);

let temporary: string | undefined;

function end(): void {
  if (temporary !== undefined) rmSync(temporary, { force: true });
  server.close();
  server.closeAllConnections();
  world.close();
  process.exit(0);
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
if (options.withParent) process.stdin.on('end', end).on('error', end).resume();

server.on('error', (error) => {
  process.stderr.write(`sandbox: cannot listen: ${error.message}\n`);
  process.exit(1);
});

server.listen(options.port, '127.0.0.1', () => {
  const { port } = listening(server.address());
  const url = `http://127.0.0.1:${port}`;
  const file = options.authorizations ?? join(tmpdir(), `sandbox-authorizations-${port}.json`);
  if (options.authorizations === undefined) temporary = file;
  const [calls, searches] = options.limits ?? [];
  const limits: Limits | undefined =
    calls === undefined ? undefined : { calls_per_second: calls, searches_per_second: searches };
  writeAuthorizations(file, authorizationsFor(url, world.keys, world.settings().gigya.indexLagMs, limits));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ url, authorizationsFile: file, pid: process.pid })}\n`);
    return;
  }
  process.stdout.write(`Lytics and Gigya sandbox on ${url}
  ${world.lytics.members(world.lytics.audience('vip')?.id ?? '').size} users in the audience "vip", ${world.gigya.accounts.size} Gigya accounts
  authorizations: ${file}  (names: lytics, gigya, gigya-rsa, gigya-signature)

Try:
  curl -s ${url}/admin/verify?audience=vip
  curl -s -H 'Authorization: ${world.keys.lyticsToken}' '${url}/api/segment/vip/scan?limit=2'
Ctrl-C ends it.
`);
});

function listening(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address;
}
