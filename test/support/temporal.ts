import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { exportAudience } from '../../src/workflows/index.ts';
import { until } from './until.ts';

export type ExportHandle = WorkflowHandle<typeof exportAudience>;

export function connectClient(address: string, namespace = 'default'): Client {
  return new Client({ connection: Connection.lazy({ address }), namespace });
}

/** For a name that no other test, and no other run of this one, uses. */
export function unique(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** What a run waits for, as the server knows it. */
export async function pendingActivities(handle: ExportHandle) {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map((one) => ({
    type: one.activityType?.name ?? '',
    attempt: one.attempt ?? 0,
    failure: one.lastFailure?.message ?? '',
  }));
}

/**
 * Waits until a run stands still: the server has no workflow task for it, and what it waits for are activities that
 * `held` says are held by the test, or nothing. Until one of them is let go, nothing more can happen.
 */
export async function untilStill(handle: ExportHandle, held: (types: string[]) => boolean): Promise<void> {
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
