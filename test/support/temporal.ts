import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { exportAudience } from '../../src/workflows/index.ts';
import { until } from './until.ts';

export type ExportHandle = WorkflowHandle<typeof exportAudience>;

export function connectClient(address: string, namespace = 'default'): Client {
  return new Client({ connection: Connection.lazy({ address }), namespace });
}

/** A name that no other test or test run uses. */
export function unique(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** The pending work of a run, as the server reports it. */
export async function pendingActivities(handle: Pick<ExportHandle, 'describe'>) {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map((one) => ({
    type: one.activityType?.name ?? '',
    attempt: one.attempt ?? 0,
    failure: one.lastFailure?.message ?? '',
  }));
}

/**
 * Waits until a run is idle: the server has no workflow task for it, and its pending activities are those that
 * `held` reports as held by the test, or none. Nothing more can happen until one of them is released.
 */
export async function untilStill(
  handle: Pick<ExportHandle, 'describe'>,
  held: (types: string[]) => boolean,
): Promise<void> {
  await until(async () => {
    const { raw } = await handle.describe();
    const types = (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? '');
    return !raw.pendingWorkflowTask && held(types);
  });
}

/** The ids of the runs of a continued-as-new chain, oldest first. */
export async function chainOf(client: Client, workflowId: string): Promise<string[]> {
  const chain: string[] = [];
  let runId: string | undefined =
    (await client.workflow.getHandle(workflowId).describe()).raw.workflowExecutionInfo?.firstRunId ??
    undefined;
  while (runId) {
    chain.push(runId);
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return chain;
}

/** The highest attempt of any activity. */
export async function highestAttempt(handle: ExportHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  const attempts = events?.map(({ activityTaskStartedEventAttributes: task }) => task?.attempt ?? 0);
  return Math.max(0, ...(attempts ?? []));
}

/**
 * The server deletes a run only after it has noted its queues' progress, which it does every 30 s by default, and
 * waits longer after each try that came too early.
 */
export const DELETES_SOON = {
  'history.transferProcessorUpdateAckInterval': '1s',
  'history.visibilityProcessorUpdateAckInterval': '1s',
};

/** Deletes a run that has ended, as the namespace's retention does, and waits until it is gone: seconds. */
export async function deleteRun(client: Client, workflowId: string, runId?: string): Promise<void> {
  await client.workflowService.deleteWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, ...(runId !== undefined && { runId }) },
  });
  const isGone = () =>
    client.workflow
      .getHandle(workflowId, runId)
      .describe()
      .then(
        () => false,
        () => true,
      );
  await until(isGone, { limitMs: 120_000, intervalMs: 500 });
}
