import { type Client, isGrpcServiceError } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { z } from 'zod';
import { retentionOf } from '../retention.ts';
import type { RowCursor, RowKind, RunReference } from '../rows.ts';
import { EVENTS_AT_ONCE } from '../tuning.ts';
import { finalFailure } from './failures.ts';
import { sealedRowsSchema } from './rowSet.ts';

/** The sealed rows of a few events of a history, perhaps none. */
export interface SealedSets {
  sets: string[];
  /** Where reading continues after them. */
  cursor: RowCursor;
}

/** What of a history is read here. */
type History = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>;
type HistoryEvent = NonNullable<NonNullable<History['history']>['events']>[number];
type StartEvent = HistoryEvent['workflowExecutionStartedEventAttributes'];
type Payloads = Parameters<typeof decodeArrayFromPayloads>[1];

/** A workflow continued by itself, rather than by its cron expression. */
const BY_WORKFLOW = 1;
/** A cron's next run is another run. The event of a workflow that continued by itself names no initiator (server 1.32). */
const BY_CRON = 3;
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/**
 * Reads the sealed rows of a run from its histories, in order: of the whole chain where it continued as new. It holds a
 * few events at a time.
 *
 * @param from Where an earlier reading ended; null for the beginning of the run.
 */
export async function* readSealedRows(
  client: Client,
  run: RunReference,
  kind: RowKind,
  from: RowCursor | null,
): AsyncGenerator<SealedSets> {
  let at = from ?? { runId: await firstOfChain(client, run), page: '', event: '0' };
  for (;;) {
    let last: HistoryEvent | undefined;
    let end: HistoryEvent | undefined;
    for (let page: string | null = at.page; page !== null; ) {
      const { history, nextPageToken } = await readHistory(client, { ...run, runId: at.runId }, page);
      for (const event of history?.events ?? []) {
        const id = String(event.eventId);
        end = event;
        // The cursor's own page is read again.
        if (page === at.page && BigInt(id) <= BigInt(at.event)) continue;
        last = event;
        const sets = await setsIn(client, event, kind);
        if (sets.length > 0) yield { sets, cursor: { runId: at.runId, page, event: id } };
      }
      // Long stretches hold no rows: the reader may stop at any page.
      if (last) yield { sets: [], cursor: { runId: at.runId, page, event: String(last.eventId) } };
      page = nextPageToken && nextPageToken.length > 0 ? Buffer.from(nextPageToken).toString('base64') : null;
    }
    const continued = end?.workflowExecutionContinuedAsNewEventAttributes;
    if (!continued?.newExecutionRunId || continued.initiator === BY_CRON) return;
    at = { runId: continued.newExecutionRunId, page: '', event: '0' };
  }
}

/** The first argument of a run: the job document. */
export async function readDocumentOf(client: Client, run: RunReference): Promise<unknown> {
  const started = await startOf(client, run);
  return (await decode(client, started?.input?.payloads))[0];
}

async function firstOfChain(client: Client, run: RunReference): Promise<string> {
  let { runId } = run;
  for (;;) {
    const started = await startOf(client, { ...run, runId }, run.runId);
    if (started?.initiator !== BY_WORKFLOW || !started.continuedExecutionRunId) return runId;
    runId = started.continuedExecutionRunId;
  }
}

/** @param asked The run that was asked for, where this one is the beginning of its chain. */
async function startOf(client: Client, run: RunReference, asked?: string): Promise<StartEvent> {
  const { history } = await readHistory(client, run, '', { maximumPageSize: 1, asked });
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes;
}

async function readHistory(
  client: Client,
  { workflowId, runId }: RunReference,
  page: string,
  {
    maximumPageSize = EVENTS_AT_ONCE,
    asked = runId,
  }: { maximumPageSize?: number; asked?: string | undefined } = {},
): Promise<History> {
  try {
    return await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize,
      nextPageToken: Buffer.from(page, 'base64'),
    });
  } catch (error) {
    const isMissing = isGrpcServiceError(error) && [NOT_FOUND, INVALID_ARGUMENT].includes(error.code);
    if (!isMissing) throw error;
    throw finalFailure('Configuration', await missing(client, { workflowId, runId }, asked));
  }
}

async function missing(client: Client, { workflowId, runId }: RunReference, asked: string): Promise<string> {
  const kept = await retentionOf(client);
  const isBeginning = runId !== asked;
  // Rows without those of the beginning would look complete.
  if (isBeginning)
    return `Temporal no longer has the beginning of the run ${asked} of ${workflowId}: ${kept}`;
  return `Temporal does not have the run ${runId} of ${workflowId}, or no longer: ${kept}`;
}

const withRows = z.looseObject({ sealed: sealedRowsSchema });

/** Activities return their rows, or fail with them as a detail. */
async function setsIn(client: Client, event: HistoryEvent, kind: RowKind): Promise<string[]> {
  const completed = event.activityTaskCompletedEventAttributes?.result?.payloads;
  const failure = event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.details?.payloads;
  const [value] = await decode(client, completed ?? failure);
  const found = withRows.safeParse(value);
  return found.success ? (found.data.sealed[kind] ?? []) : [];
}

async function decode(client: Client, payloads: Payloads): Promise<unknown[]> {
  if (!payloads) return [];
  return decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
}
