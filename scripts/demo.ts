/**
 * The whole product on one machine: `npm run demo`. It starts a Temporal server with its Web UI, a sandbox of Lytics and
 * Gigya, and a worker, runs two jobs, changes some users, and runs both jobs again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startSandbox } from '../sandbox/client.ts';
import { startDevServer } from './devServer.ts';
import { nodeArgs } from './nodeArgs.ts';
import { startWorker } from './program.ts';

const USERS = 2_000;
const { keep } = new Command('npm run demo --')
  .description('Runs two jobs against a local Temporal server and a sandbox of Lytics and Gigya')
  .option('--keep', 'keep everything running until Ctrl-C', false)
  .parse()
  .opts<{ keep: boolean }>();

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
      // Higher than Gigya's smallest quota (120 and 10), so that the demo takes a minute.
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

  say(`\n1. Export the ${figure(USERS)} members of "vip" to their Gigya accounts`);
  await client(env, 'run', 'examples/job.json');
  say('\n2. Export them to the Data Store');
  await client(env, 'run', 'examples/job-data-store.json');
  await judge('account');
  await judge('data_store');

  say('\n3. 40 users enter the audience, 20 leave it, 60 members change other audiences; export again');
  await sandbox.admin.enter(40);
  await sandbox.admin.leave(20);
  await sandbox.admin.change(60);
  await client(env, 'run', 'examples/job.json');
  await client(env, 'run', 'examples/job-data-store.json');
  await judge('account');
  await judge('data_store');

  if (!keep) return say('\nDone; everything is stopped. "npm run demo -- --keep" keeps it running.');
  say(`\nRunning until Ctrl-C. Web UI: ${temporal.uiUrl}. For the client:`);
  say(`  export TEMPORAL_ADDRESS=${temporal.address}`);
  say(`Sandbox: ${sandbox.url} (see sandbox/README.md).`);
  await interrupted;

  async function judge(storage: 'account' | 'data_store'): Promise<void> {
    const { expected, exact, missing, different } = await sandbox.admin.verify({ audience: 'vip', storage });
    const ok = missing.length === 0 && different.length === 0;
    say(
      `   ${ok ? '✔' : '✘'} ${storage}: ${figure(exact)} of ${figure(expected)} members have exactly their audiences`,
    );
    if (!ok) exitCode = 1;
  }
}

/** Runs the client like a user. */
async function client(env: NodeJS.ProcessEnv, ...args: string[]): Promise<void> {
  say(`$ npm run client -- ${args.join(' ')}`);
  const child = spawn(process.execPath, [...nodeArgs('src/client.ts'), ...args], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The command failed with exit code ${code}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}
