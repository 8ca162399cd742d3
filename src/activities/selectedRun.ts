import { isDeepStrictEqual } from 'node:util';
import { type Client, isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type Counts, noCounts } from '../counts.ts';
import { type Job, parseJob } from '../job.ts';
import { slugOf } from '../names.ts';
import type { Selection } from '../selection.ts';
import { finalFailure } from './failures.ts';
import { readDocumentOf } from './rowHistory.ts';

/** A run that has ended answers at once; a busy server takes seconds. */
const PATIENCE_MS = 10_000;
/** How many rows a run has is shown, and decides nothing. */
const SHORT_PATIENCE_MS = 2_000;

/**
 * Makes sure that the selected run belongs to this job, and that a plan is written with the settings it was made with.
 *
 * @returns The members of the audience that a plan's preview counted, for the guard; undefined for failures.
 */
export async function assertSelected(
  client: Client,
  { rows, workflow_id, run_id }: Selection,
  job: Job,
): Promise<number | undefined> {
  const made = parseJob(await readDocumentOf(client, { workflowId: workflow_id, runId: run_id }));
  const run = `The run ${run_id} of ${workflow_id}`;
  if (slugOf(made.name) !== slugOf(job.name)) {
    throw finalFailure('Configuration', `${run} belongs to the job "${made.name}", not to "${job.name}"`);
  }
  if (rows !== 'plan') return undefined;
  if (!made.config.dry_run) throw finalFailure('Configuration', `${run} is not a preview, so it has no plan`);
  const written = { ...made, config: { ...made.config, dry_run: false } };
  if (!isDeepStrictEqual(written, job)) {
    throw finalFailure(
      'Configuration',
      `${run} was made with another job document; start this workflow with the document of the preview`,
    );
  }
  const ended = await endOf(client, workflow_id, run_id, PATIENCE_MS);
  if (ended === 'open') throw finalFailure('Configuration', `${run} has not ended yet`);
  if (ended.isFailed || isPartial(ended.result)) {
    const why = ended.isFailed ? 'did not complete' : 'does not list all users who left';
    throw finalFailure('Configuration', `${run} ${why}, and only a whole plan can be applied`);
  }
  return countsIn(ended.result)?.members;
}

/** How many rows the selected run has, by its own counts; null when it does not say. */
export async function countSelected(
  client: Client,
  { rows, workflow_id, run_id }: Selection,
): Promise<number | null> {
  const ended = await endOf(client, workflow_id, run_id, SHORT_PATIENCE_MS);
  const counts = typeof ended === 'object' ? countsIn(ended.result) : undefined;
  if (!counts) return null;
  return rows === 'plan' ? counts.updated : counts.failed + counts.unknown_uid;
}

/** The result of a run, or the details of its failure, which contain its counts as well. */
type End = 'open' | { isFailed: boolean; result: unknown };

/** Of the whole chain, where the run continued as new. */
async function endOf(client: Client, workflowId: string, runId: string, patienceMs: number): Promise<End> {
  try {
    const run = client.workflow.getHandle(workflowId, runId);
    if ((await run.describe()).status.name === 'RUNNING') return 'open';
    const result = await client.withDeadline(Date.now() + patienceMs, () => run.result());
    return { isFailed: false, result };
  } catch (error) {
    if (isGrpcDeadlineError(error)) return 'open';
    if (!(error instanceof WorkflowFailedError)) throw error;
    const details = error.cause instanceof ApplicationFailure ? error.cause.details : undefined;
    return { isFailed: true, result: details?.[0] };
  }
}

const isPartial = (result: unknown) =>
  typeof result === 'object' && result !== null && 'is_partial' in result && result.is_partial === true;

function countsIn(result: unknown): Counts | undefined {
  if (typeof result !== 'object' || result === null || !('counts' in result)) return undefined;
  const counts = { ...noCounts(), ...Object(result.counts) };
  const { updated, failed, unknown_uid } = counts;
  return [updated, failed, unknown_uid].every(Number.isSafeInteger) ? counts : undefined;
}
