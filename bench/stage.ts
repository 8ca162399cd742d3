import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox/client.ts';
import { startDevServer } from '../scripts/devServer.ts';
import { type Program, startProgram, startWorker } from '../scripts/program.ts';
import {
  authorizationsSchema,
  type GigyaAuthorization,
  type LyticsAuthorization,
} from '../src/authorizations.ts';

/** A part of a long history exceeds the 4 MiB that grpc-js accepts by default. */
const ANY_HISTORY = { 'grpc.max_receive_message_length': -1 };

/** So high that no call waits; the sandbox has no quota either. */
export const NO_LIMIT = 1_000_000;

/** What a scenario runs on: a Temporal server, built workers, and sandboxes. */
export interface Stage {
  readonly temporal: Client;
  /** The Temporal server's. */
  readonly address: string;
  /** Starts a worker that is used by nothing else. It ends with the scenario. */
  worker(): Promise<BenchWorker>;
  /** A sandbox whose authorizations every worker has. It ends with the scenario. */
  sandbox(options: SandboxOptions, limits?: Limits): Promise<BenchSandbox>;
  say(line: string): void;
}

export interface BenchWorker extends Program {
  /** A counter of the worker's metrics, without its `_total`, summed over all label values that include `labels`. */
  counter(name: string, labels: Record<string, string>): Promise<number>;
}

export interface BenchSandbox extends Sandbox {
  lytics: LyticsAuthorization;
  gigya: GigyaAuthorization & { base_url: string };
  /** Writes other limits into the workers' authorizations. */
  limit(limits: Limits): Promise<void>;
}

/** `limits` of the Gigya authorization; without `connections` the exporter finds the number itself. */
export interface Limits {
  calls_per_second: number;
  searches_per_second: number;
  connections?: number;
}

type Ending = () => Promise<unknown>;

/** Runs scenarios one after the other, and ends what each of them started. */
export async function withStage(
  say: (line: string) => void,
  use: (onStage: <T>(scenario: (stage: Stage) => Promise<T>) => Promise<T>) => Promise<void>,
): Promise<void> {
  const endings: Ending[] = [];
  try {
    const folder = await mkdtemp(join(tmpdir(), 'gigya-export-bench-'));
    endings.push(() => rm(folder, { recursive: true, force: true }));
    const authorizationsFile = join(folder, 'authorizations.json');
    await writeFile(authorizationsFile, '{}', { mode: 0o600 });
    const [server, built] = await Promise.all([startDevServer({ log: say }), build()]);
    endings.push(() => server.stop());
    const connection = await Connection.connect({ address: server.address, channelArgs: ANY_HISTORY });
    endings.push(() => connection.close());
    const temporal = new Client({ connection });
    const env = {
      TEMPORAL_ADDRESS: server.address,
      TEMPORAL_NAMESPACE: 'default',
      TASK_QUEUE: 'gigya-export',
      AUTHORIZATIONS_FILE: authorizationsFile,
      // An interrupted bench does not wait for the worker's pages.
      SHUTDOWN_GRACE: '0',
    };
    await use(async (scenario) => {
      const own: Ending[] = [];
      try {
        return await scenario({
          temporal,
          address: server.address,
          say,
          async worker() {
            const port = await freePort();
            const program = await startWorker(
              { ...env, METRICS_PORT: String(port), METRICS_HOST: '127.0.0.1' },
              built,
            );
            own.push(() => program.stop());
            return { ...program, counter: (name, labels) => readCounter(port, name, labels) };
          },
          async sandbox(options, limits = { calls_per_second: NO_LIMIT, searches_per_second: NO_LIMIT }) {
            const sandbox = await startSandbox({ ...options, authorizations: join(folder, 'sandbox.json') });
            own.push(() => sandbox.stop());
            return authorize(sandbox, authorizationsFile, limits);
          },
        });
      } finally {
        await endAll(own);
      }
    });
  } finally {
    await endAll(endings);
  }
}

async function authorize(sandbox: Sandbox, file: string, limits: Limits): Promise<BenchSandbox> {
  const { lytics, gigya } = sandbox.authorizations;
  const limit = async (now: Limits) => {
    const written = { lytics, gigya: { ...gigya, limits: now, index_lag_seconds: 0 } };
    await writeFile(file, JSON.stringify(written), { mode: 0o600 });
  };
  await limit(limits);
  const read = authorizationsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  if (read['lytics']?.provider !== 'lytics' || read['gigya']?.provider !== 'gigya')
    throw new Error('The sandbox lacks the authorizations "lytics" and "gigya"');
  return { ...sandbox, lytics: read['lytics'], gigya: { ...read['gigya'], base_url: sandbox.url }, limit };
}

/** As in production: TypeScript compiled at load time is slower. */
async function build(): Promise<string> {
  const builder = startProgram('scripts/build.ts', []);
  if ((await builder.exited) !== 0) throw new Error(`The build failed:\n${builder.output()}`);
  return 'dist/src/worker.js';
}

async function endAll(endings: Ending[]): Promise<void> {
  for (const end of endings.reverse()) await end().catch(() => undefined);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

async function readCounter(port: number, name: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}_total{`) && wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
