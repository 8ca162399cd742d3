import type { Job } from '../job.ts';
import { slugOf } from '../names.ts';
import type { Followed } from './follow.ts';
import type { KnownJob } from './jobs.ts';
import { titleOf } from './schedules.ts';
import type { StartedRun } from './startJob.ts';

/** The run of a job document that was just started. */
export function followed({ workflowId, runId }: StartedRun, job: Job): Followed {
  const { timezone } = job.config;
  return { workflowId, runId, slug: slugOf(job.name), timezone, webhooks: webhooksOf(job) };
}

/** A run of an existing job. */
export function followedOf({ workflowId, runId }: StartedRun, known: KnownJob): Followed {
  const { slug, timezone, runs, schedule } = known;
  const run = runs.find((one) => one.workflowId === workflowId);
  // A run that was just triggered is not among those that were known before.
  const job = run ? run.title.job : schedule ? titleOf(schedule).job : null;
  return { workflowId, runId, slug, timezone, webhooks: job ? webhooksOf(job) : 'unknown' };
}

function webhooksOf({ config }: Job): Followed['webhooks'] {
  if (config.target_storage === 'data_store') return 'none';
  return config.mute_webhooks ? 'muted' : 'fired';
}
