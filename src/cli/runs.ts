import {
  isGrpcServiceError,
  ServiceError,
  type WorkflowExecutionDescription,
  type WorkflowExecutionStatusName,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { type ListedRun, listedRuns } from '../listing.ts';
import {
  EXPORT_WORKFLOW,
  previewIdOf,
  ROW_SELECTIONS,
  ROWS_WORKFLOW,
  type RowSelection,
  rowsIdOf,
  selectionOf,
} from '../names.ts';
import type { exportAudience } from '../workflows/index.ts';
import { type Progress, progressQuery } from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import { readTitle, type Title } from './title.ts';

/** Longer than a worker takes to replay a run; without a worker each query waits this long. */
const QUERY_PATIENCE_MS = 5_000;

/** gRPC's CANCELLED and DEADLINE_EXCEEDED, and RESOURCE_EXHAUSTED, while other queries wait for the worker. */
const SILENCE_CODES = [1, 4, 8];
const NOT_FOUND = 5;

/** A run as the server knows it; reading it needs no worker. */
export interface Run {
  workflowId: string;
  runId: string;
  status: WorkflowExecutionStatusName;
  /** When it started; for a run that continued as new, the start of its first execution. */
  started: Date;
  ended: Date | null;
  /** The cron expression that starts its runs. */
  cron: string | null;
  /** False for a cron's run that waits for its time, or was ended before it. */
  hasBegun: boolean;
  /** When the next run of a cron starts; null for a run that has started. */
  sleepsUntil: Date | null;
  /** The previous run of the same cron. */
  previousRunId: string | null;
  /** The rows that it exports: of a retry or an applied plan. Null for a run of the whole audience. */
  selection: RowSelection | null;
  title: Title;
}

export type ExportHandle = WorkflowHandle<typeof exportAudience>;

export function handleOf({ client }: Temporal, run: { workflowId: string; runId?: string }): ExportHandle {
  return client.workflow.getHandle<typeof exportAudience>(run.workflowId, run.runId, { followRuns: false });
}

/** Undefined when the server has no such run: it never existed, or its retention is over. */
export async function describeRun(
  temporal: Temporal,
  workflowId: string,
  runId?: string,
): Promise<Run | undefined> {
  const handle = temporal.client.workflow.getHandle(workflowId, runId);
  try {
    const described = await handle.describe();
    return await readRun(temporal, described);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Also when a run is deleted between two of the calls that read it. */
function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || (isGrpcServiceError(error) && error.code === NOT_FOUND);
}

async function readRun(temporal: Temporal, described: WorkflowExecutionDescription): Promise<Run> {
  const { workflowId, runId, status, startTime, executionTime, closeTime } = described;
  const first = await firstEvent(temporal, workflowId, runId);
  const begun = first.hasBackoff ? await beginningOf(temporal, workflowId, runId) : null;
  const hasBegun = !first.hasBackoff || begun !== null;
  const selection = selectionOf(workflowId) ?? null;
  const title = readTitle(first.document, described.memo);
  return {
    workflowId,
    runId,
    status: status.name,
    started: begun ?? (await chainStart(temporal, workflowId, first, startTime)),
    ended: closeTime ?? null,
    cron: first.cron,
    hasBegun,
    sleepsUntil: !hasBegun && status.name === 'RUNNING' ? (executionTime ?? null) : null,
    previousRunId: first.cron ? first.continuedRunId : null,
    selection,
    // An applied plan has the document of its preview, and writes.
    title: { ...title, dryRun: title.dryRun && selection !== 'plan' },
  };
}

/** When a run with a delayed start has started, according to the server rather than this machine's clock. */
async function beginningOf({ client }: Temporal, workflowId: string, runId: string): Promise<Date | null> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    // Signals may have been received while it waited.
    maximumPageSize: 20,
  });
  const task = history?.events?.find((event) => event.workflowTaskScheduledEventAttributes);
  return task?.eventTime ? new Date(Number(task.eventTime.seconds) * 1000) : null;
}

/** When the chain of a run that continued as new started, as far back as the server keeps it. */
async function chainStart(
  temporal: Temporal,
  workflowId: string,
  { cron, continuedRunId }: FirstEvent,
  startTime: Date,
): Promise<Date> {
  // The execution before a cron run is another run.
  if (cron !== null || continuedRunId === null) return startTime;
  try {
    const before = await temporal.client.workflow.getHandle(workflowId, continuedRunId).describe();
    const first = await firstEvent(temporal, workflowId, continuedRunId);
    const begun = first.hasBackoff ? await beginningOf(temporal, workflowId, continuedRunId) : null;
    return begun ?? (await chainStart(temporal, workflowId, first, before.startTime));
  } catch (error) {
    if (isNotFound(error)) return startTime;
    throw error;
  }
}

interface FirstEvent {
  cron: string | null;
  /** Whether the run begins later than it was made. */
  hasBackoff: boolean;
  continuedRunId: string | null;
  /** The run's first argument; whoever started it may have sent anything. */
  document: unknown;
}

async function firstEvent({ client }: Temporal, workflowId: string, runId: string): Promise<FirstEvent> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const event = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return {
    cron: event?.cronSchedule || null,
    hasBackoff: Number(event?.firstWorkflowTaskBackoff?.seconds ?? 0) > 0,
    continuedRunId: event?.continuedExecutionRunId || null,
    document: await decodeFromPayloadsAtIndex(
      client.options.loadedDataConverter,
      0,
      event?.input?.payloads,
    ).catch(() => undefined),
  };
}

/** What visibility lists of a job, newest first; a moment behind, and without what a chain left behind. */
export function listRuns({ client }: Temporal, jobId: string): AsyncGenerator<ListedRun> {
  const besides = [previewIdOf(jobId), ...ROW_SELECTIONS.map((selection) => rowsIdOf(jobId, selection))];
  const workflowIds = [jobId, ...besides].map((id) => `WorkflowId = ${quoted(id)}`);
  const ids = [`TemporalScheduledById = ${quoted(jobId)}`, ...workflowIds];
  const isOurs = `WorkflowType IN ("${EXPORT_WORKFLOW}", "${ROWS_WORKFLOW}")`;
  return listedRuns(client, `${isOurs} AND ExecutionStatus != "ContinuedAsNew" AND (${ids.join(' OR ')})`);
}

/** Ids of workflows may hold anything. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The run's own account of itself; undefined when no worker gives it. */
export async function progressOf(temporal: Temporal, run: StartedExecution): Promise<Progress | undefined> {
  const answer = await queryProgress(temporal, run);
  return typeof answer === 'string' ? undefined : answer;
}

/** `silent`: no worker answered in time. `unable`: one did, but cannot replay the run. */
export async function queryProgress(
  temporal: Temporal,
  run: StartedExecution,
): Promise<Progress | 'silent' | 'unable'> {
  const handle = handleOf(temporal, run);
  try {
    return await temporal.client.connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
      handle.query(progressQuery),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    return isSilence(error) ? 'silent' : 'unable';
  }
}

interface StartedExecution {
  workflowId: string;
  runId: string;
}

function isSilence(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && SILENCE_CODES.includes(cause.code);
}
