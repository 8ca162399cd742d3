import { ApplicationFailure, type Context } from '@temporalio/activity';
import { type Client, ScheduleNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import {
  EXPORT_WORKFLOW,
  ROW_SELECTIONS,
  ROWS_WORKFLOW,
  rowsIdOf,
  selectionOf,
  workflowIdOf,
} from '../names.ts';
import { BUSY_DELAY } from '../tuning.ts';
import { finalFailure } from './failures.ts';

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
  for (const other of await openRuns(client, jobName)) {
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
    type: 'Busy',
    message: `A retry or an applied plan of "${jobName}" is open (${workflowId}); this run starts when it has ended`,
    nextRetryDelay: BUSY_DELAY,
  });
}

/** Uses descriptions, which are consistent, and the list of workflows, which lags. */
async function openRuns(client: Client, jobName: string): Promise<OpenRun[]> {
  const id = workflowIdOf(jobName);
  const ids = new Set([id, ...rowsIdsOf(jobName), ...(await runningActions(client, id))]);
  const query = `WorkflowType = "${EXPORT_WORKFLOW}" AND ExecutionStatus = "Running" AND TemporalScheduledById = "${id}"`;
  for await (const run of client.workflow.list({ query })) ids.add(run.workflowId);
  const runs = await Promise.all([...ids].map((one) => describe(client, one)));
  return runs.flatMap((run) => run ?? []);
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
    const { status, startTime, executionTime } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return undefined;
    // A cron run that waits for its time is open but has not started.
    const startedAt = (executionTime ?? startTime).getTime();
    return startedAt > Date.now() ? undefined : { workflowId, startedAt };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The worker's client; a mocked environment has none. */
function clientOf(context: Context): Client | undefined {
  try {
    return context.client;
  } catch {
    return undefined;
  }
}
