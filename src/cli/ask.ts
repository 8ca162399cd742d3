import { randomUUID } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import type { AudienceInfo, AuthorizationInfo, Check } from '../activities/questions.ts';
import { QUESTION_PREFIX } from '../names.ts';
import { Refused, reasonOf, Unreachable } from './errors.ts';

/** Longer than the worker takes to give up: who hears nothing by then has no worker. */
const PATIENCE = '75 s';

/** What only a worker can tell, since it alone has the secrets: asked by way of Temporal. */
export function createAsk(client: Client, taskQueue: string) {
  async function put<Answer>(question: string, args: unknown[]): Promise<Answer> {
    try {
      return await client.workflow.execute<(...args: unknown[]) => Promise<Answer>>(question, {
        workflowId: `${QUESTION_PREFIX}${question}/${randomUUID()}`,
        taskQueue,
        args,
        workflowExecutionTimeout: PATIENCE,
      });
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { type, message } = reasonOf(error);
      if (type === 'TimeoutFailure') throw new Unreachable('The worker did not answer in time; see its log');
      throw new Refused(message);
    }
  }
  return {
    listAuthorizations: () => put<AuthorizationInfo[]>('listAuthorizations', []),
    proveAuthorization: (name: string) => put<void>('proveAuthorization', [name]),
    listAudiences: (authorization: string) => put<AudienceInfo[]>('listAudiences', [authorization]),
    checkJob: (document: unknown) => put<Check[]>('checkJob', [document]),
  };
}

export type Ask = ReturnType<typeof createAsk>;

/** Whether a worker has asked the task queue for work lately. */
export async function isWorkerThere(client: Client, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: 1,
  });
  // The server remembers a worker for minutes; one that lives asks once a minute at least.
  return (pollers ?? []).some(({ lastAccessTime }) => {
    const seconds = Number(lastAccessTime?.seconds ?? 0);
    return Date.now() / 1000 - seconds < 90;
  });
}

/** @throws {Unreachable} when no worker is there. */
export async function assertWorker(client: Client, taskQueue: string): Promise<void> {
  if (await isWorkerThere(client, taskQueue)) return;
  throw new Unreachable(
    `No worker asks the task queue "${taskQueue}" for work; start one with "npm run worker"`,
  );
}
