import { isDeepStrictEqual } from 'node:util';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type Counts, noCounts } from '../counts.ts';
import { type Job, parseJob } from '../job.ts';
import { slugOf } from '../names.ts';
import type { Selection } from '../selection.ts';
import { finalFailure } from './failures.ts';
import { readDocumentOf } from './rowHistory.ts';

/** A run that has ended answers at once. */
const PATIENCE_MS = 2_000;

/** Makes sure that the selected run belongs to this job, and that a plan is written with the settings it was made with. */
export async function assertSelected(
  client: Client,
  { rows, workflow_id, run_id }: Selection,
  job: Job,
): Promise<void> {
  const made = parseJob(await readDocumentOf(client, { workflowId: workflow_id, runId: run_id }));
  const run = `The run ${run_id} of ${workflow_id}`;
  if (slugOf(made.name) !== slugOf(job.name)) {
    throw finalFailure('Configuration', `${run} belongs to the job "${made.name}", not to "${job.name}"`);
  }
  if (rows !== 'plan') return;
  if (!made.config.dry_run) throw finalFailure('Configuration', `${run} is not a preview, so it has no plan`);
  const written = { ...made, config: { ...made.config, dry_run: false } };
  if (isDeepStrictEqual(written, job)) return;
  throw finalFailure(
    'Configuration',
    `${run} was made with another job document; start this workflow with the document of the preview`,
  );
}

/** How many rows the selected run has, by its own counts; null when it does not say. */
export async function countSelected(
  client: Client,
  { rows, workflow_id, run_id }: Selection,
): Promise<number | null> {
  const counts = await countsOf(client, workflow_id, run_id);
  if (!counts) return null;
  return rows === 'plan' ? counts.updated : counts.failed + counts.unknown_uid;
}

async function countsOf(client: Client, workflowId: string, runId: string): Promise<Counts | undefined> {
  try {
    const run = client.workflow.getHandle(workflowId, runId);
    return countsIn(await client.withDeadline(Date.now() + PATIENCE_MS, () => run.result()));
  } catch (error) {
    if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure))
      return undefined;
    return countsIn(error.cause.details?.[0]);
  }
}

function countsIn(result: unknown): Counts | undefined {
  if (typeof result !== 'object' || result === null || !('counts' in result)) return undefined;
  const counts = { ...noCounts(), ...Object(result.counts) };
  const { updated, failed, unknown_uid } = counts;
  return [updated, failed, unknown_uid].every(Number.isSafeInteger) ? counts : undefined;
}
