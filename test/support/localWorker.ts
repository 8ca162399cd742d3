import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  type TelemetryOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createConnections } from '../../src/activities/connections.ts';
import { type Activities, createActivities } from '../../src/activities/index.ts';
import { createWorkers } from '../../src/workers.ts';

export interface LocalWorkerOptions {
  address: string;
  taskQueue: string;
  workflowBundle: WorkflowBundleOption;
  authorizationsFile?: string;
  /** In place of the real ones. */
  activities?: Partial<Activities>;
  /** The first wait before a call is sent again, in ms. @default 20 */
  retryMs?: number;
  /** The time an answer of a service may take, in ms. @default 30_000 */
  timeoutMs?: number;
  alertAfterSeconds?: number;
  exportSlots?: number;
}

export interface LocalWorker {
  /** Lets running activities finish. A second time it only waits for the first. */
  stop(): Promise<void>;
}

/** What the SDK's core has to say about what tests do on purpose. */
export const QUIET: TelemetryOptions = { logging: { filter: { core: 'ERROR', other: 'ERROR' } } };

let isInstalled = false;

/** A worker in this process, for tests that neither kill it nor read what it prints. */
export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const {
    address,
    taskQueue,
    workflowBundle,
    authorizationsFile = 'none.json',
    retryMs = 20,
    timeoutMs,
    alertAfterSeconds,
  } = options;
  if (!isInstalled) Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: QUIET });
  isInstalled = true;
  const connections = createConnections({ authorizationsFile, retryMs, timeoutMs });
  const connection = await NativeConnection.connect({ address });
  const workers = await createWorkers({
    connection,
    namespace: 'default',
    taskQueue,
    workflows: { workflowBundle },
    activities: {
      ...createActivities({
        connections,
        authorizationsFile,
        ...(alertAfterSeconds !== undefined && { alertAfterSeconds }),
      }),
      ...options.activities,
    },
    shutdownGraceMs: 30_000,
    exportSlots: options.exportSlots,
  });
  const ended = workers.run();
  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    workers.shutdown();
    await ended;
    await connections.close();
    await connection.close();
  }
  return {
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
