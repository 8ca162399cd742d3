import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type Program, startWorker } from '../../scripts/program.ts';
import type { JobDocument } from '../../src/job.ts';
import { client, type Ended, temporal } from './commands.ts';
import { type QuickSandbox, type QuickSandboxOptions, startQuickSandbox } from './quickSandbox.ts';
import { connectClient, unique } from './temporal.ts';

/** The programs as deployed: a worker, a client, Temporal's CLI and a sandbox, each in its own process. */
export interface ProgramRig {
  temporal: Client;
  sandbox: QuickSandbox;
  worker: Program;
  /** The environment of another worker for this rig. */
  env: NodeJS.ProcessEnv;
  /** Writes a job document (or any other text) to a file. */
  write(document: JobDocument | string): Promise<string>;
  client(...args: string[]): Promise<Ended>;
  cli(...args: string[]): Promise<Ended>;
  stop(): Promise<void>;
}

export interface ProgramRigOptions {
  address: string;
  namespace?: string;
  sandbox?: QuickSandboxOptions;
  env?: NodeJS.ProcessEnv;
}

export async function startPrograms({
  address,
  namespace = 'default',
  ...options
}: ProgramRigOptions): Promise<ProgramRig> {
  const [folder, sandbox] = await Promise.all([
    mkdtemp(join(tmpdir(), 'gigya-export-')),
    startQuickSandbox(options.sandbox),
  ]);
  const taskQueue = unique('test');
  const env: NodeJS.ProcessEnv = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TASK_QUEUE: taskQueue,
    AUTHORIZATIONS_FILE: sandbox.authorizationsFile,
    ...options.env,
  };
  const worker = await startWorker(env);
  const connected = connectClient(address, namespace);
  return {
    temporal: connected,
    sandbox,
    worker,
    env,
    async write(document) {
      const file = join(folder, `${unique('job')}.json`);
      await writeFile(file, typeof document === 'string' ? document : JSON.stringify(document));
      return file;
    },
    client: (...args) => client(args, env),
    cli: (...args) => temporal(args, env),
    async stop() {
      await worker.stop();
      await sandbox.stop();
      await connected.connection.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
