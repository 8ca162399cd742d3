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
  /** Replaces the real activities. */
  activities?: Partial<Activities>;
  /** The first delay before a retry of a call, in ms. @default 20 */
  retryMs?: number;
  /** The maximum time for a service's answer, in ms. @default 30_000 */
  timeoutMs?: number;
  alertAfterSeconds?: number;
  exportSlots?: number;
}

export interface LocalWorker {
  /** Lets running activities finish. A second call only waits for the first. */
  stop(): Promise<void>;
}

/** Log lines of the SDK's core about conditions that tests cause on purpose. */
export const QUIET: TelemetryOptions = { logging: { filter: { core: 'ERROR', other: 'ERROR' } } };

let isInstalled = false;

/** A worker in this process, for tests that neither kill it nor read its output. */
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
