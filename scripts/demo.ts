/**
 * The whole product on one machine: `npm run demo`. A Temporal server with its Web UI, a sandbox that plays
 * Lytics and Gigya, a worker, two jobs, and then two more runs after some users have changed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSandbox } from '../sandbox/client.ts';
import { startDevServer } from './devServer.ts';
import { startWorker } from './program.ts';

const USERS = 2_000;
const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });

const folder = await mkdtemp(join(tmpdir(), 'gigya-export-demo-'));
const endings: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
const interrupted = Promise.race((['SIGINT', 'SIGTERM'] as const).map((signal) => once(process, signal)));
let exitCode = 0;
try {
  await Promise.race([demo(), interrupted]);
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : error}\n`);
  exitCode = 1;
} finally {
  for (const end of endings.reverse()) await end();
}
process.exit(exitCode);

async function demo(): Promise<void> {
  say('Starting Temporal, a sandbox of Lytics and Gigya, and a worker …');
  const [temporal, sandbox] = await Promise.all([
    startDevServer({ ui: true, log: say }),
    startSandbox({
      users: USERS,
      authorizations: join(folder, 'authorizations.json'),
      // Generous, so that a demo takes a minute; Gigya's smallest quota is 120 and 10.
      limits: [600, 50],
      indexLagMs: 500,
    }),
  ]);
  endings.push(
    () => temporal.stop(),
    () => sandbox.stop(),
  );
  const env = { TEMPORAL_ADDRESS: temporal.address, AUTHORIZATIONS_FILE: sandbox.authorizationsFile };
  const worker = await startWorker(env);
  endings.push(() => worker.stop());
  say(`Temporal's Web UI: ${temporal.uiUrl}`);

  say(`\n1. The ${figure(USERS)} members of "vip", to their Gigya accounts`);
  await client(env, 'run', 'examples/job.json');
  say('\n2. The same, to the Data Store');
  await client(env, 'run', 'examples/job-data-store.json');
  await judge('account');
  await judge('data_store');

  say('\n3. 40 users enter the audience, 20 leave it, and 60 members come to be in other audiences');
  await sandbox.admin.enter(40);
  await sandbox.admin.leave(20);
  await sandbox.admin.change(60);
  await client(env, 'run', 'examples/job.json');
  await client(env, 'run', 'examples/job-data-store.json');
  await judge('account');
  await judge('data_store');

  if (!values.keep)
    return say('\nThat was it; all is stopped. "npm run demo -- --keep" stays up for looking around.');
  say(`\nStill up, until Ctrl-C: the Web UI at ${temporal.uiUrl}, and for the client and the worker`);
  say(`  export TEMPORAL_ADDRESS=${temporal.address}`);
  say(`The sandbox listens at ${sandbox.url}; its switches are in sandbox/README.md.`);
  await interrupted;

  async function judge(storage: 'account' | 'data_store'): Promise<void> {
    const { expected, exact, missing, different } = await sandbox.admin.verify({ audience: 'vip', storage });
    const ok = missing.length === 0 && different.length === 0;
    say(
      `   ${ok ? '✔' : '✘'} the sandbox's ${storage}: ${figure(exact)} of ${figure(expected)} members hold exactly their audiences`,
    );
    if (!ok) exitCode = 1;
  }
}

/** The project's own client, as a person types it. */
async function client(env: NodeJS.ProcessEnv, ...args: string[]): Promise<void> {
  say(`$ npm run client -- ${args.join(' ')}`);
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/client.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The command ended with exit code ${code}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}
