import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/*
 * What Temporal lists. The SDK's own lists decode every memo, and fail for all entries when one of them cannot be
 * decoded: an encrypted one, say, of somebody else's schedule in the same namespace.
 */

/** A workflow execution in a list, which is a moment behind. */
export interface ListedRun {
  workflowId: string;
  runId: string;
  /** The schedule that started it. */
  scheduledBy: string | undefined;
  /** The name of its job, from its memo. */
  job: string | undefined;
}

/** Newest first. */
export async function* listedRuns(client: Client, query: string): AsyncGenerator<ListedRun> {
  const { workflowService, options } = client;
  const { namespace } = options;
  for await (const { executions } of pages((next) =>
    workflowService.listWorkflowExecutions({ namespace, query, ...next }),
  )) {
    for (const { execution, memo, searchAttributes } of executions ?? []) {
      yield {
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        scheduledBy: textIn(searchAttributes?.indexedFields?.['TemporalScheduledById']),
        job: textIn(memo?.fields?.['job']),
      };
    }
  }
}

/** The ids of schedules that start workflows of this type. */
export async function* listedSchedules(client: Client, workflowType: string): AsyncGenerator<string> {
  const { workflowService, options } = client;
  const { namespace } = options;
  for await (const { schedules } of pages((next) => workflowService.listSchedules({ namespace, ...next }))) {
    for (const { scheduleId, info } of schedules ?? []) {
      if (scheduleId != null && info?.workflowType?.name === workflowType) yield scheduleId;
    }
  }
}

interface Page {
  nextPageToken?: Uint8Array | null;
}

async function* pages<P extends Page>(
  read: (next: { nextPageToken?: Uint8Array }) => Promise<P>,
): AsyncGenerator<P> {
  let page = await read({});
  yield page;
  while (page.nextPageToken && page.nextPageToken.length > 0) {
    page = await read({ nextPageToken: page.nextPageToken });
    yield page;
  }
}

function textIn(payload: Payload | null | undefined): string | undefined {
  if (!payload) return undefined;
  try {
    const value: unknown = defaultPayloadConverter.fromPayload(payload);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
