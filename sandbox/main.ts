import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authorizationsFor, ForeignFile, refuseForeignFile, writeAuthorizations } from './authorizations.ts';
import { type Options, readOptions } from './options.ts';
import { defaultPopulation } from './population/options.ts';
import { createSandboxServer } from './server.ts';
import { createWorld, type World } from './world.ts';

const options = readOptions(process.argv);
// Before anything else: what is in that file may be the only copy of someone's secrets.
if (options.authorizations !== undefined) orEnd(() => protect(options.authorizations, options.force));

const world = createWorld({
  population: defaultPopulation(options),
  settings: options.parsed,
  odd: options.odd,
  stateFile: options.state,
});
const server = createSandboxServer(world);
/** The file at the default path, removed at the end. */
let temporary: string | undefined;

process.on('SIGTERM', end);
process.on('SIGINT', end);
if (options.withParent) process.stdin.on('end', end).on('error', end).resume();
server.on('error', (error) => fail(`cannot listen: ${error.message}`));
server.listen(options.port, '127.0.0.1', () => orEnd(announce));

function end(): void {
  if (temporary !== undefined) rmSync(temporary, { force: true });
  server.close();
  server.closeAllConnections();
  world.close();
  process.exit(0);
}

function fail(message: string): never {
  process.stderr.write(`sandbox: ${message}\n`);
  process.exit(1);
}

function orEnd(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof ForeignFile) fail(error.message);
    throw error;
  }
}

function protect(file: string | undefined, force: true | undefined): void {
  if (file !== undefined && !force) refuseForeignFile(file);
}

function announce(): void {
  const port = portOf(server);
  const url = `http://127.0.0.1:${port}`;
  const file = options.authorizations ?? join(tmpdir(), `sandbox-authorizations-${port}.json`);
  protect(file, options.force);
  if (options.authorizations === undefined) temporary = file;
  writeAuthorizations(file, authorizationsOf(url, options, world));
  if (options.json)
    process.stdout.write(`${JSON.stringify({ url, authorizationsFile: file, pid: process.pid })}\n`);
  else process.stdout.write(introduction(url, file));
}

function authorizationsOf(url: string, { limits }: Options, { keys, settings }: World) {
  const [calls, searches] = limits ?? [];
  const written = limits && { calls_per_second: calls, searches_per_second: searches };
  return authorizationsFor(url, keys, settings().gigya.indexLagMs, written);
}

function introduction(url: string, file: string): string {
  const { lytics, gigya, keys } = world;
  const members = lytics.members(lytics.audience('vip')?.id ?? '').size;
  return `Lytics and Gigya sandbox on ${url}
  ${figure(members)} users in the audience "vip", ${figure(gigya.accounts.size)} Gigya accounts
  authorizations: ${file}  (names: lytics, gigya, gigya-rsa, gigya-signature)

Try:
  export AUTHORIZATIONS_FILE=${file}
  curl -s '${url}/admin/verify?audience=vip'
  curl -s -H 'Authorization: ${keys.lyticsToken}' '${url}/api/segment/vip/scan?limit=2'
Ctrl-C ends it.
`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

function portOf(listening: Server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}
