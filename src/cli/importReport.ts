import { slugOf } from '../names.ts';
import { commandLine } from './commandLine.ts';
import type { Change, ImportedJob } from './importJob.ts';
import type { Output } from './print.ts';
import { wrapped } from './table.ts';

/** What an import did, as `--json` prints it beside the id in Lytics. */
export interface ImportReport {
  job: string;
  workflow_id: string;
  /** `document_only`: the job is not kept updated, so there is nothing to create before it is to run. */
  outcome: 'created' | 'document_only';
  schedule: string | null;
  saved_to: string | null;
  changes: readonly Change[];
  without_effect: readonly string[];
  document: ImportedJob['document'];
}

export function describeImport(
  { lytics_id, job, workflow_id, outcome, schedule, ...report }: ImportReport & { lytics_id: string },
  { width }: Output,
): string {
  const { saved_to, changes, without_effect } = report;
  const isCreated = outcome === 'created';
  const what = isCreated
    ? `created, and its schedule (${schedule}) is paused`
    : 'nothing was started, since the job is not kept updated';
  const next = isCreated
    ? `start it: ${commandLine('resume', slugOf(job))}`
    : `run it: ${commandLine('run', saved_to ?? 'job.json')}`;
  return [
    wrapped(`${job} (${workflow_id}): ${what}`, width, '  '),
    wrapped(`- Job ${lytics_id} in Lytics`, width, '  '),
    ...changes.map(({ setting, lytics, here }) =>
      wrapped(`- ${setting}: ${JSON.stringify(lytics)} in Lytics, ${JSON.stringify(here)} here`, width, '  '),
    ),
    ...(without_effect.length > 0
      ? [wrapped(`- Ignored here: ${without_effect.join(', ')}`, width, '  ')]
      : []),
    ...(saved_to === null ? [] : [`Saved to ${saved_to}`]),
    `Pause or delete the job in Lytics, then ${next}`,
  ].join('\n');
}
