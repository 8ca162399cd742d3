/**
 * The Temporal CLI's development server as a child process, for the demo, tests and benchmarks. As a program it runs
 * in the foreground on the default ports: `npm run dev-server [-- --db-filename .cache/temporal.db]`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { endWithThisProcess } from './endWithThisProcess.ts';
import { findTemporalCli, type Log } from './temporalCli.ts';

export interface DevServerOptions {
  /** Serves the Web UI. @default false */
  ui?: boolean;
  /** A file for data that survives the server. @default in memory */
  dbFilename?: string;
  /** Server settings such as `limit.historyCount.suggestContinueAsNew`. */
  dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** @default a free port; if another process takes it meanwhile, the next free one */
  port?: number;
  uiPort?: number;
  /** Namespaces to create in addition to `default`. */
  namespaces?: readonly string[];
  /** Called when the CLI has to be downloaded. */
  log?: Log;
}

export interface DevServer {
  readonly address: string;
  readonly uiUrl?: string;
  readonly pid: number;
  /** Settles when the process has ended for any reason. */
  readonly exited: Promise<void>;
  /** Sends SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<void>;
  /** For crash tests: sends the signal and returns immediately. */
  kill(signal: NodeJS.Signals): void;
}

const HOST = '127.0.0.1';
const READY_LIMIT = 30_000;
const STOP_LIMIT = 5_000;
const TRIES = 4;

/** Starts a server and waits until it answers. It always ends with this process. */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const cli = await findTemporalCli(options.log);
  if (options.dbFilename) await mkdir(dirname(options.dbFilename), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(cli, options);
    } catch (error) {
      // Another process may have taken the port in the meantime.
      if (attempt === TRIES || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function startOnce(cli: string, options: DevServerOptions): Promise<DevServer> {
  const { ui = false, dbFilename, dynamicConfig = {}, namespaces = [] } = options;
  const port = options.port ?? (await freePort());
  const uiPort = ui ? (options.uiPort ?? (await freePort())) : undefined;
  const settings = Object.entries(dynamicConfig).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const child = spawn(
    cli,
    [
      ...['server', 'start-dev', '--ip', HOST, '--log-level', 'error', '--port', String(port)],
      ...['--http-port', String(await freePort()), '--metrics-port', String(await freePort())],
      ...(ui ? ['--ui-port', String(uiPort)] : ['--headless']),
      ...(dbFilename ? ['--db-filename', dbFilename] : []),
      ...settings.flatMap((setting) => ['--dynamic-config-value', setting]),
      ...namespaces.flatMap((namespace) => ['--namespace', namespace]),
    ],
    // In its own process group, because otherwise Ctrl-C ends it before the workers, which still report to it.
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const lastWords = tail(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${cli} could not be started`);
  endWithThisProcess(pid, exited);

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    await exited;
    clearTimeout(forced);
  };
  const address = `${HOST}:${port}`;
  const uiUrl = ui ? `http://${HOST}:${uiPort}` : undefined;
  const waiting = new AbortController();
  try {
    await Promise.race([
      untilReady({ port, uiPort, namespaces: ['default', ...namespaces], signal: waiting.signal }),
      exited.then(() => {
        throw new Error(`The Temporal dev server ended during its start. Its last output:\n${lastWords()}`);
      }),
    ]);
  } catch (error) {
    waiting.abort();
    await stop();
    throw error;
  }
  return {
    address,
    ...(uiUrl ? { uiUrl } : {}),
    pid,
    exited,
    stop,
    kill: (signal) => void child.kill(signal),
  };
}

interface Readiness {
  port: number;
  uiPort: number | undefined;
  namespaces: readonly string[];
  signal: AbortSignal;
}

async function untilReady({ port, uiPort, namespaces, signal }: Readiness): Promise<void> {
  // Plain sockets first: gRPC waits a second between attempts to connect.
  await retry(() => accepts(port), signal);
  const connection = Connection.lazy({ address: `${HOST}:${port}` });
  try {
    await retry(async () => {
      for (const namespace of namespaces) {
        await connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
      }
    }, signal);
  } finally {
    await connection.close();
  }
  if (uiPort !== undefined) await retry(() => accepts(uiPort), signal);
}

async function retry(action: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_LIMIT;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) throw error;
      if (Date.now() > deadline) {
        throw new Error(`The Temporal dev server did not answer within ${READY_LIMIT / 1000} s: ${error}`);
      }
      await sleep(20);
    }
  }
}

function accepts(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST)
      .once('error', reject)
      .once('connect', () => {
        socket.destroy();
        resolve();
      });
  });
}

/** Reads the process's stderr so that it does not block on a full pipe, and keeps the last part. */
function tail(child: ChildProcess): () => string {
  let kept = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-4_000);
  });
  return () => kept.trim() || '(nothing)';
}

/**
 * A free port that Linux does not hand out again for a while: after a connection that the listening side closed, it
 * is in TIME_WAIT. The SDK's own get_free_port does the same.
 */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end());
    server.once('error', reject).listen(0, HOST, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        return reject(new Error('the system gave no port'));
      const { port } = address;
      connect(port, HOST)
        .once('error', reject)
        .resume()
        .once('close', () => server.close(() => resolve(port)));
    });
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('must be a port number');
}

function isTaken(port: number): Promise<boolean> {
  return accepts(port).then(
    () => true,
    () => false,
  );
}

async function runInForeground(): Promise<void> {
  const options = new Command('npm run dev-server --')
    .description("Runs Temporal's development server with its Web UI, until Ctrl-C")
    .option('--port <port>', 'of Temporal', portNumber, 7233)
    .option('--ui-port <port>', 'of the Web UI', portNumber, 8233)
    .option('--db-filename <file>', 'keeps the runs in this file (default: in memory)')
    .parse()
    .opts<{ port: number; uiPort: number; dbFilename?: string }>();
  for (const port of [options.port, options.uiPort]) {
    if (await isTaken(port))
      throw new Error(`Port ${port} is in use; choose another with --port or --ui-port`);
  }
  const server = await startDevServer({ ...options, ui: true, log: console.error });
  console.log(`Temporal ${server.address}, Web UI ${server.uiUrl}. Press Ctrl-C to stop.`);
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      asked = true;
      void server.stop();
    });
  }
  await server.exited;
  if (!asked) throw new Error('The Temporal dev server has ended.');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  runInForeground().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
