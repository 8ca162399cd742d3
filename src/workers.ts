import {
  type ActivityInterceptorsFactory,
  type NativeConnection,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { type Activities, createAttemptInterceptor } from './activities/index.ts';
import { createFairShare } from './fairShare.ts';
import { questionsQueue } from './names.ts';

/** A killed worker loses the throttled heartbeats. */
const HEARTBEAT_THROTTLE = '1 s';

/** The rate limit controls the speed, not slots: this only limits the memory. */
const EXPORT_SLOTS = 100;
const QUESTION_SLOTS = 10;

export interface WorkersOptions {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  activities: Activities;
  interceptors?: ActivityInterceptorsFactory[];
  /** How long running activities may take to finish at a shutdown, in ms. */
  shutdownGraceMs: number;
  /** Activities of exports at once. @default 100 */
  exportSlots?: number | undefined;
}

/** The SDK's workers of one process. */
export interface Workers {
  /** Settles when all have stopped; rejects with the first error. When one ends, so do the others. */
  run(): Promise<void>;
  shutdown(): void;
}

/**
 * A worker for the task queue, and one for questions and alerts: these have slots of their own, so that slow jobs
 * cannot keep a person waiting.
 */
export async function createWorkers(options: WorkersOptions): Promise<Workers> {
  const { taskQueue, workflows, interceptors = [], exportSlots = EXPORT_SLOTS } = options;
  const shared = {
    connection: options.connection,
    namespace: options.namespace,
    // On both: the workflows decide what runs where, as they name the task queue.
    activities: options.activities,
    shutdownGraceTime: options.shutdownGraceMs,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  };
  const attempts = createAttemptInterceptor();
  const workers = [
    await Worker.create({
      ...shared,
      ...workflows,
      taskQueue,
      interceptors: { activity: [createFairShare(exportSlots), attempts, ...interceptors] },
      maxCachedWorkflows: 100,
      maxConcurrentActivityTaskExecutions: exportSlots,
    }),
    await Worker.create({
      ...shared,
      taskQueue: questionsQueue(taskQueue),
      interceptors: { activity: [attempts, ...interceptors] },
      maxConcurrentActivityTaskExecutions: QUESTION_SLOTS,
    }),
  ];

  function shutdown(): void {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  return {
    async run() {
      const ended = await Promise.allSettled(workers.map((worker) => worker.run().finally(shutdown)));
      const failed = ended.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    },
    shutdown,
  };
}
