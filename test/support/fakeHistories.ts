import type { Client } from '@temporalio/client';
import { defaultDataConverter, defaultPayloadConverter } from '@temporalio/common';

interface Request {
  execution: { runId: string };
  nextPageToken: Uint8Array;
  maximumPageSize: number;
}

/**
 * A client that reads histories and does nothing else.
 *
 * @param histories The events of each run, by its id.
 * @param most Events in a reply.
 */
export function clientOfHistories(histories: Record<string, object[]>, most: number): Client {
  return Object({
    withAbortSignal: <T>(_signal: AbortSignal, call: () => Promise<T>) => call(),
    options: { namespace: 'default', loadedDataConverter: defaultDataConverter },
    workflowService: {
      async getWorkflowExecutionHistory({ execution: { runId }, nextPageToken, maximumPageSize }: Request) {
        const all = (histories[runId] ?? []).map((event, index) => ({
          eventId: BigInt(index + 1),
          ...event,
        }));
        const from = Number(Buffer.from(nextPageToken).toString() || 0);
        const to = from + Math.min(most, maximumPageSize);
        return {
          history: { events: all.slice(from, to) },
          nextPageToken: to < all.length ? Buffer.from(String(to)) : Buffer.alloc(0),
        };
      },
    },
  });
}

const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });

export function startedWith(input: unknown) {
  return { workflowExecutionStartedEventAttributes: { input: payloads(input) } };
}

/** An activity that returned this. */
export function completedWith(result: unknown) {
  return { activityTaskCompletedEventAttributes: { result: payloads(result) } };
}
