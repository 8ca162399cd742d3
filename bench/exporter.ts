import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Program } from '../scripts/program.ts';
import type { JobDocument } from '../src/job.ts';
import type { exportAudience } from '../src/workflows/exportAudience.ts';
import type { Summary } from '../src/workflows/run.ts';
import { type Resources, watchResources } from './process.ts';

export interface ExportRun extends Resources {
  /** From the start of the workflow to the end of its last page. */
  seconds: number;
  summary: Summary;
  history: History;
  /** What Temporal Cloud bills for the run, without heartbeats. */
  actions: number;
}

export interface History {
  events: number;
  bytes: number;
}

type Handle = WorkflowHandle<typeof exportAudience>;
export type HistoryEvent = NonNullable<Awaited<ReturnType<Handle['fetchHistory']>>['events']>[number];

/** Runs a job and measures it by its history, with the server's clock. */
export async function measureExport(client: Client, worker: Program, job: JobDocument): Promise<ExportRun> {
  const taken = await watchResources(worker.pid);
  const workflowId = `bench-${randomUUID()}`;
  const { firstExecutionRunId } = await client.workflow.start<typeof exportAudience>('exportAudience', {
    args: [job],
    taskQueue: 'gigya-export',
    workflowId,
  });
  const summary = await Promise.race([
    client.workflow.getHandle<typeof exportAudience>(workflowId).result(),
    worker.exited.then((code) => {
      throw new Error(`The worker ended during the run (exit code ${code}):\n${worker.output()}`);
    }),
  ]);
  const resources = await taken();

  const events = await readHistories(client, workflowId, firstExecutionRunId);
  const bytes = await historyBytes(client, workflowId, events, firstExecutionRunId);
  return {
    ...resources,
    seconds: secondsUntilLastPage(events),
    summary,
    history: { events: events.length, bytes },
    actions: countActions(events),
  };
}

/** The events of a run; one that continued as new has several histories. */
export async function readHistories(
  client: Client,
  workflowId: string,
  firstRunId: string,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let runId: string | null | undefined = firstRunId;
  while (runId) {
    const { events: more } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    events.push(...(more ?? []));
    runId = continuedAs(events.at(-1));
  }
  return events;
}

async function historyBytes(
  client: Client,
  workflowId: string,
  events: readonly HistoryEvent[],
  firstRunId: string,
): Promise<number> {
  let bytes = 0;
  for (const runId of [firstRunId, ...events.map(continuedAs).filter((id) => typeof id === 'string')]) {
    const { historySize = 0 } = await client.workflow.getHandle(workflowId, runId).describe();
    bytes += historySize;
  }
  return bytes;
}

const continuedAs = (event: HistoryEvent | undefined) =>
  event?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;

/** What Temporal Cloud bills, without heartbeats, which no history has: the start, activities, timers and messages. */
function countActions(events: readonly HistoryEvent[]): number {
  return events.filter(
    (event) =>
      event.workflowExecutionStartedEventAttributes ??
      event.activityTaskStartedEventAttributes ??
      event.timerStartedEventAttributes ??
      event.workflowExecutionSignaledEventAttributes ??
      event.workflowExecutionUpdateAcceptedEventAttributes ??
      event.upsertWorkflowSearchAttributesEventAttributes,
  ).length;
}

/** From the start of a run to the end of its last page, by the server's clock. */
export function secondsUntilLastPage(events: readonly HistoryEvent[]): number {
  const pages = new Set<string>();
  let startedAt: number | undefined;
  let writtenAt: number | undefined;
  for (const event of events) {
    if (event.workflowExecutionStartedEventAttributes) {
      startedAt ??= timeOf(event);
      // A run that continued as new numbers its events from 1 again.
      pages.clear();
    }
    const { activityTaskScheduledEventAttributes: scheduled } = event;
    if (scheduled?.activityType?.name === 'updateGigya') pages.add(String(event.eventId));
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed && pages.has(String(completed.scheduledEventId))) writtenAt = timeOf(event);
  }
  if (startedAt === undefined || writtenAt === undefined) throw new Error('The run did not write a page');
  return (writtenAt - startedAt) / 1000;
}

/** In ms. */
function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
}
