import type { Job } from '../job.ts';
import { previewIdOf, workflowIdOf } from '../names.ts';
import { retentionOf } from '../retention.ts';
import type { Summary } from '../workflows/run.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import { outcomeOf } from './outcome.ts';
import { describeRun, type Run } from './runs.ts';

/** The preview with this id, and its job document. @throws {Refused} when it is gone, or is not a preview. */
export async function findPreview(
  temporal: Temporal,
  { run_id, job }: { run_id: string; job?: string },
): Promise<{ run: Run; document: Job }> {
  const run = await describePreview(temporal, run_id, job);
  if (!run) throw new Refused(await goneText(temporal, run_id));
  const document = run.title.job;
  if (!document?.config.dry_run || run.selection) {
    throw new Refused(`The run ${run_id} of ${run.workflowId} is not a preview, so it has no plan`);
  }
  if (job === undefined || job === document.name) return { run, document };
  throw new Refused(`The preview ${run_id} is of the job "${document.name}", and the file of "${job}"`);
}

/** What the preview found. @throws {Refused} when its plan lacks users. */
export async function outcomeOfPreview(
  temporal: Temporal,
  { workflowId, runId, status }: Run,
): Promise<Summary> {
  if (status === 'RUNNING') throw new Refused(`The preview ${runId} of ${workflowId} has not ended yet`);
  const outcome = await outcomeOf(temporal, { workflowId, runId });
  if ('summary' in outcome) {
    if (!outcome.summary.is_partial) return outcome.summary;
    throw new Refused(
      `The preview ${runId} does not list all users who left, and only a whole plan can be applied; run the job instead`,
    );
  }
  throw new Refused(`The preview ${runId} did not complete (${outcome.failure.message}); make a new one`);
}

/** By its id where the job is known, since the list of workflows lags. */
async function describePreview(
  temporal: Temporal,
  runId: string,
  job: string | undefined,
): Promise<Run | undefined> {
  const usual = job && (await describeRun(temporal, previewIdOf(workflowIdOf(job)), runId));
  if (usual) return usual;
  for await (const { workflowId } of temporal.client.workflow.list({ query: `RunId = "${runId}"` })) {
    return describeRun(temporal, workflowId, runId);
  }
  return undefined;
}

async function goneText({ client }: Temporal, runId: string): Promise<string> {
  const kept = await retentionOf(client);
  return `Temporal does not have the preview ${runId}, or no longer: ${kept}; make a new preview`;
}
