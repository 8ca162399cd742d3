import type { Client } from '@temporalio/client';
import type { JobDocument } from '../../src/job.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { type LocalWorker, type LocalWorkerOptions, startLocalWorker } from './localWorker.ts';
import { type QuickSandbox, type QuickSandboxOptions, startQuickSandbox } from './quickSandbox.ts';
import { connectClient, type ExportHandle, unique } from './temporal.ts';

export interface RigOptions
  extends Pick<
    LocalWorkerOptions,
    'address' | 'workflowBundle' | 'activities' | 'retryMs' | 'timeoutMs' | 'alertAfterSeconds'
  > {
  sandbox?: QuickSandboxOptions;
}

/** A sandbox and a worker in this process, with a separate task queue. */
export interface Rig {
  client: Client;
  sandbox: QuickSandbox;
  worker: LocalWorker;
  taskQueue: string;
  start(job: JobDocument): Promise<ExportHandle>;
  /** Starts a job and waits for its end. */
  run(job: JobDocument): Promise<Summary>;
  stop(): Promise<void>;
}

export async function startRig({ sandbox: wanted = {}, ...options }: RigOptions): Promise<Rig> {
  const { address } = options;
  const taskQueue = unique('test');
  const client = connectClient(address);
  const sandbox = await startQuickSandbox(wanted);
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
    async stop() {
      await worker.stop();
      await sandbox.stop();
      await client.connection.close();
    },
  };
}
