import { readFile, writeFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/client.ts';
import type { JobDocument } from '../../src/job.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { type LocalWorker, type LocalWorkerOptions, startLocalWorker } from './local-worker.ts';
import { connectClient, type ExportHandle, unique } from './temporal.ts';

export interface RigOptions
  extends Pick<LocalWorkerOptions, 'address' | 'workflowBundle' | 'activities' | 'retryMs'> {
  sandbox?: SandboxOptions;
}

/** A sandbox and a worker in this process, with a task queue of their own. */
export interface Rig {
  client: Client;
  sandbox: Sandbox;
  worker: LocalWorker;
  taskQueue: string;
  start(job: JobDocument): Promise<ExportHandle>;
  /** Starts a job and waits for its end. */
  run(job: JobDocument): Promise<Summary>;
  /** Changes one authorization of the worker's file. */
  changeAuthorization(name: string, change: Record<string, unknown>): Promise<void>;
  stop(): Promise<void>;
}

/** Fast unless a test says otherwise: limits that do not bind, and an index that is hardly behind. */
export const QUICK: SandboxOptions = { limits: [3000, 300], indexLagMs: 0 };

export async function startRig({ sandbox: wanted = {}, ...options }: RigOptions): Promise<Rig> {
  const { address } = options;
  const taskQueue = unique('test');
  const client = connectClient(address);
  const sandbox = await startSandbox({ ...QUICK, ...wanted });
  const { authorizationsFile } = sandbox;
  const worker = await startLocalWorker({ ...options, taskQueue, authorizationsFile });
  const start = (job: JobDocument): Promise<ExportHandle> =>
    client.workflow.start<typeof exportAudience>('exportAudience', {
      workflowId: unique(job.name),
      taskQueue,
      args: [job],
    });
  return {
    client,
    sandbox,
    worker,
    taskQueue,
    start,
    run: async (job) => (await start(job)).result(),
    async changeAuthorization(name, change) {
      const written: Record<string, Record<string, unknown>> = JSON.parse(
        await readFile(authorizationsFile, 'utf8'),
      );
      await writeFile(
        authorizationsFile,
        JSON.stringify({ ...written, [name]: { ...written[name], ...change } }),
      );
    },
    async stop() {
      await worker.stop();
      await sandbox.stop();
      await client.connection.close();
    },
  };
}
