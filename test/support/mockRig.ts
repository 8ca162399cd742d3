import type { Client } from '@temporalio/client';
import type { WorkflowBundleOption } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { startLocalWorker } from './localWorker.ts';
import { type MockedExport, type MockOptions, mockExport } from './mockActivities.ts';
import { connectClient, type ExportHandle, unique } from './temporal.ts';

export interface MockRig extends MockedExport {
  client: Client;
  taskQueue: string;
  /** Starts a run with any arguments, as the Temporal CLI may. */
  start(...args: unknown[]): Promise<ExportHandle>;
  stop(): Promise<void>;
}

/** A worker whose activities touch no service. `activities` replaces some of them. */
export async function startMockRig(
  temporal: { address: string; workflowBundle: WorkflowBundleOption },
  { activities = {}, ...options }: MockOptions & { activities?: Partial<Activities> },
): Promise<MockRig> {
  const taskQueue = unique('test');
  const mocked = mockExport(options);
  const client = connectClient(temporal.address);
  const worker = await startLocalWorker({
    ...temporal,
    taskQueue,
    activities: { ...mocked.activities, ...activities },
  });
  return {
    ...mocked,
    client,
    taskQueue,
    async start(...args) {
      const workflowId = unique('mocked');
      await client.workflow.start('exportAudience', { workflowId, taskQueue, args });
      return client.workflow.getHandle<typeof exportAudience>(workflowId);
    },
    async stop() {
      mocked.letAllGo();
      await worker.stop();
      await client.connection.close();
    },
  };
}
