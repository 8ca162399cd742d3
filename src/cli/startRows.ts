import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Job } from '../job.ts';
import { ROWS_WORKFLOW, rowsIdOf, workflowIdOf } from '../names.ts';
import type { Selection } from '../selection.ts';
import type { exportRows } from '../workflows/index.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import type { KnownJob } from './jobs.ts';
import { shownInWebUi } from './schedules.ts';
import { assertNoRun, type StartedRun, underWay } from './startJob.ts';

/** Exports rows of an earlier run of the job: with `document` for a retry, and the preview's own for a plan. */
export async function startRows(
  { client, taskQueue }: Temporal,
  known: KnownJob,
  document: Job,
  selection: Selection,
): Promise<StartedRun> {
  assertNoRun(known);
  const workflowId = rowsIdOf(workflowIdOf(document.name), selection.rows);
  const what = selection.rows === 'plan' ? 'plan of' : 'retry of failures of';
  try {
    const { firstExecutionRunId } = await client.workflow.start<typeof exportRows>(ROWS_WORKFLOW, {
      workflowId,
      taskQueue,
      args: [document, selection],
      ...shownInWebUi(document),
      staticSummary: `${document.name}: ${what} run ${selection.run_id}`,
    });
    return { workflowId, runId: firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new Refused(underWay(known.name, known.slug));
  }
}
