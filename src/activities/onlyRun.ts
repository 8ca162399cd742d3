import { ApplicationFailure, type Context } from '@temporalio/activity';
import {
  type Client,
  ScheduleNotFoundError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { parseJob } from '../job.ts';
import { listedRuns } from '../listing.ts';
import {
  BUSY,
  EXPORT_WORKFLOW,
  ROW_SELECTIONS,
  ROWS_WORKFLOW,
  rowsIdOf,
  selectionOf,
  withoutPreview,
  workflowIdOf,
} from '../names.ts';
import type { RunReference } from '../rows.ts';
import { BUSY_DELAY } from '../tuning.ts';
import { finalFailure } from './failures.ts';
import { readDocumentOf } from './rowHistory.ts';

interface OpenRun {
  workflowId: string;
  startedAt: number;
}

/**
 * Fails when an older run of the job is open, whoever started it: two runs would overwrite each other. A
 * run has the job's id when a person started it, or was started by its schedule. For one that exports rows it waits
 * instead: it is short, and a night must not fail for it.
 */
export async function assertOnlyRun(context: Context, jobName: string): Promise<void> {
  const { workflowExecution } = context.info;
  if (!workflowExecution) return;
  const client = clientOf(context);
  if (!client) return;
  const { workflowId } = workflowExecution;
  assertKnownId(context.info.workflowType, workflowId, jobName);
  const own = await describe(client, workflowId);
  if (!own) return;
  for (const other of await openRuns(client, jobName, context.info.taskQueue)) {
    if (other.workflowId === workflowId) continue;
    const isOlder =
      other.startedAt < own.startedAt || (other.startedAt === own.startedAt && other.workflowId < workflowId);
    if (!isOlder) continue;
    if (selectionOf(other.workflowId)) throw waitFor(other, jobName);
    throw finalFailure(
      'Configuration',
      `Another run of "${jobName}" is open (${other.workflowId}), and two runs would overwrite each other; wait for it to end, or cancel it`,
    );
  }
}

/** Runs that export rows are found by their ids alone. */
function assertKnownId(workflowType: string | undefined, workflowId: string, jobName: string): void {
  if (workflowType !== ROWS_WORKFLOW) return;
  const ids = rowsIdsOf(jobName);
  if (ids.includes(workflowId)) return;
  throw finalFailure('Configuration', `The workflow id must be ${ids.join(' or ')}; start it with that id`);
}

const rowsIdsOf = (jobName: string) =>
  ROW_SELECTIONS.map((selection) => rowsIdOf(workflowIdOf(jobName), selection));

function waitFor({ workflowId }: OpenRun, jobName: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: BUSY,
    message: `A retry or an applied plan of "${jobName}" is open (${workflowId}); this run starts when it has ended`,
    nextRetryDelay: BUSY_DELAY,
  });
}

/** Uses descriptions, which are consistent, and the list of workflows, which lags. */
async function openRuns(client: Client, jobName: string, taskQueue: string): Promise<OpenRun[]> {
  const id = workflowIdOf(jobName);
  const ids = new Set([id, ...rowsIdsOf(jobName), ...(await runningActions(client, id))]);
  for (const workflowId of await findRuns(client, jobName, taskQueue)) ids.add(workflowId);
  const runs = await Promise.all([...ids].map((one) => describe(client, one)));
  return runs.flatMap((run) => run ?? []);
}

/**
 * Temporal's own tools start runs, and make schedules, under any workflow id: their memo has the name of the job. On
 * another task queue, a job of this name belongs to other workers.
 */
async function findRuns(client: Client, jobName: string, taskQueue: string): Promise<string[]> {
  const id = workflowIdOf(jobName);
  const query = `WorkflowType = "${EXPORT_WORKFLOW}" AND ExecutionStatus = "Running" AND TaskQueue = "${taskQueue}"`;
  const found: string[] = [];
  for await (const run of listedRuns(client, query)) {
    const isNamed = run.job !== undefined && workflowIdOf(run.job) === id;
    const isOfJob = run.scheduledBy === id || (isNamed && !(await isPreview(client, run)));
    if (isOfJob) found.push(run.workflowId);
  }
  return found;
}

/** A preview runs beside others: it writes nothing. */
async function isPreview(client: Client, run: RunReference): Promise<boolean> {
  if (run.workflowId !== withoutPreview(run.workflowId)) return true;
  try {
    return parseJob(await readDocumentOf(client, run)).config.dry_run;
  } catch {
    return false;
  }
}

async function runningActions(client: Client, scheduleId: string): Promise<string[]> {
  try {
    const { info } = await client.schedule.getHandle(scheduleId).describe();
    return info.runningActions.map(({ workflow }) => workflow.workflowId);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return [];
    throw error;
  }
}

/** Undefined when there is no open run with this id. */
async function describe(client: Client, workflowId: string): Promise<OpenRun | undefined> {
  try {
    const described = await client.workflow.getHandle(workflowId).describe();
    const { status, startTime, executionTime } = described;
    if (status.name !== 'RUNNING') return undefined;
    // A cron run that waits for its time is open but has not started.
    const startedAt = (executionTime ?? startTime).getTime();
    if (startedAt > Date.now()) return undefined;
    return { workflowId, startedAt: isContinued(described) ? 0 : startedAt };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** A run that continued as new started earlier than its last link, which passed this check at its start. */
function isContinued({ runId, startTime, executionTime, raw }: WorkflowExecutionDescription): boolean {
  const first = raw.workflowExecutionInfo?.firstRunId;
  // The next run of a cron is a run of its own; it begins later than it is made.
  const isDelayed = executionTime !== undefined && executionTime.getTime() > startTime.getTime();
  return !isDelayed && first != null && first !== '' && first !== runId;
}

/** The worker's client; a mocked environment has none. */
function clientOf(context: Context): Client | undefined {
  try {
    return context.client;
  } catch {
    return undefined;
  }
}
