import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createConnections } from '../../src/activities/connections.ts';
import { type Activities, createActivities } from '../../src/activities/index.ts';

export interface LocalWorkerOptions {
  address: string;
  taskQueue: string;
  workflowBundle: WorkflowBundleOption;
  authorizationsFile?: string;
  /** In place of the real ones. */
  activities?: Partial<Activities>;
  /** The first wait before a call is sent again, in ms. @default 20 */
  retryMs?: number;
}

export interface LocalWorker {
  /** Lets running activities finish. */
  stop(): Promise<void>;
}

let isInstalled = false;

/** A worker in this process, for tests that neither kill it nor read what it prints. */
export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const { address, taskQueue, workflowBundle, authorizationsFile = 'none.json', retryMs = 20 } = options;
  if (!isInstalled) Runtime.install({ logger: new DefaultLogger('ERROR') });
  isInstalled = true;
  const connections = createConnections({ authorizationsFile, retryMs });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle,
    activities: { ...createActivities({ connections, authorizationsFile }), ...options.activities },
    maxHeartbeatThrottleInterval: '1 s',
    defaultHeartbeatThrottleInterval: '1 s',
    shutdownGraceTime: '30 s',
  });
  const ended = worker.run();
  return {
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
      await connections.close();
      await connection.close();
    },
  };
}
