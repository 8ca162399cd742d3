import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Temporal } from './connect.ts';
import { Unreachable } from './errors.ts';

/** The server's enum value for the queue of workflow tasks. */
const WORKFLOW_TASKS = 1;
/** The server lists a poller for minutes after its last poll; a live worker polls at least once a minute. */
const POLLS_WITHIN_SECONDS = 90;

/** How long to wait for the server's clock, and how often to check it. */
const POLL_MS = 3_000;
const CLOCK_INTERVAL_MS = 25;

/** Whether a worker has polled the task queue lately. */
export async function isWorkerPolling({ client, taskQueue }: Temporal): Promise<boolean> {
  const polledAt = await lastPoll(client, taskQueue);
  if (polledAt === undefined) return false;
  return (await serverSeconds(client)) - polledAt < POLLS_WITHIN_SECONDS;
}

/** @throws {Unreachable} when no worker is polling. */
export async function assertWorker(temporal: Temporal): Promise<void> {
  if (!(await isWorkerPolling(temporal))) throw new Unreachable(noWorker(temporal.taskQueue));
}

export function noWorker(taskQueue: string): string {
  return `No worker is polling the task queue "${taskQueue}"; start one with "npm run worker"`;
}

/** When a task queue was polled last, by the server's clock, in seconds; undefined when never. */
async function lastPoll(client: Temporal['client'], taskQueue: string): Promise<number | undefined> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  const times = (pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0));
  return times.length === 0 ? undefined : Math.max(...times);
}

/**
 * The server's clock. This machine's may be minutes off, and no call returns the time, but the server records when
 * a queue is polled: this polls a queue of its own.
 */
async function serverSeconds(client: Temporal['client']): Promise<number> {
  const { connection, workflowService, options } = client;
  const name = `clock-${randomUUID()}`;
  const polling = new AbortController();
  const poll = () =>
    workflowService.pollWorkflowTaskQueue({
      namespace: options.namespace,
      taskQueue: { name },
      identity: 'client',
    });
  // A poll without a deadline is rejected. The abort below ends it.
  const ended = connection
    .withDeadline(Date.now() + POLL_MS, () => connection.withAbortSignal(polling.signal, poll))
    .then(
      () => undefined,
      () => undefined,
    );
  try {
    for (let waited = 0; waited < POLL_MS; waited += CLOCK_INTERVAL_MS) {
      const seconds = await lastPoll(client, name);
      if (seconds !== undefined) return seconds;
      await sleep(CLOCK_INTERVAL_MS);
    }
    // Where polling is not allowed, use this machine's clock.
    return Date.now() / 1000;
  } finally {
    polling.abort();
    await ended;
  }
}
