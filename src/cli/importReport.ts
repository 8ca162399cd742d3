import type { LyticsJobInfo } from '../activities/questions.ts';
import { slugOf } from '../names.ts';
import { commandLine } from './commandLine.ts';
import type { Change, ImportedJob } from './importJob.ts';
import type { Output } from './print.ts';
import { tabbed, tableOf, wrapped } from './table.ts';

/** What an import did, as `--json` prints it beside the id in Lytics. */
export interface ImportReport {
  job: string;
  workflow_id: string;
  /**
   * `document_only`: the job is not kept updated, so there is nothing to create before it is to run. `expired`: no
   * run of it would start.
   */
  outcome: 'created' | 'document_only' | 'expired';
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
  const { saved_to, changes, without_effect, document } = report;
  const { what, next, command } = consequenceOf(outcome, {
    schedule,
    slug: slugOf(job),
    file: saved_to ?? 'job.json',
    expiresAt: document['expires_at'],
  });
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
    wrapped(`Pause or delete the job in Lytics, then ${next}:`, width, '  '),
    // On a line of its own, to be copied.
    `  ${commandLine(...command)}`,
  ].join('\n');
}

interface Consequence {
  what: string;
  next: string;
  command: string[];
}

function consequenceOf(
  outcome: ImportReport['outcome'],
  about: { schedule: string | null; slug: string; file: string; expiresAt: unknown },
): Consequence {
  switch (outcome) {
    case 'created':
      return {
        what: `created, and its schedule (${about.schedule}) is paused`,
        next: 'start it',
        command: ['resume', about.slug],
      };
    case 'document_only':
      return {
        what: 'nothing was started, since the job is not kept updated',
        next: 'run it',
        command: ['run', about.file],
      };
    case 'expired':
      return {
        what: `nothing was created, since the job expired at ${about.expiresAt}`,
        next: 'set expires_at in the document to a later time and create it',
        command: ['create', about.file],
      };
  }
}

/** Lytics' jobs: a table on a terminal, else fields with tabs. */
export function describeLyticsJobs(jobs: readonly LyticsJobInfo[], lytics: string, output: Output): string {
  if (!output.isTerminal) {
    const rows = jobs.map(({ id, name, status, segment_id, continuous_update }) => [
      id,
      name,
      status,
      segment_id,
      continuous_update ? 'yes' : 'no',
    ]);
    return tabbed(['id', 'name', 'state', 'audience', 'kept_updated'], rows);
  }
  if (jobs.length === 0) return `The Lytics account of "${lytics}" has no Gigya export jobs`;
  // Ids of jobs and audiences do not fit beside each other.
  return tableOf(
    [{ head: 'ID' }, { head: 'NAME' }, { head: 'STATE' }],
    jobs.map(({ id, name, status }) => [id, name, status]),
    output.width,
    jobs.map(({ segment_id, continuous_update }) => [
      `audience ${segment_id || 'unknown'}${continuous_update ? ', kept updated' : ''}`,
    ]),
  );
}
