import type { Job } from '../job.ts';
import { slugOf } from '../names.ts';
import type { Followed } from './follow.ts';
import type { KnownJob } from './jobs.ts';
import type { StartedRun } from './startJob.ts';

/** The run of a job document that was just started. */
export function followed({ workflowId, runId }: StartedRun, job: Job): Followed {
  return { workflowId, runId, slug: slugOf(job.name), timezone: job.config.timezone };
}

/** A run of a job that is there. */
export function followedOf({ workflowId, runId }: StartedRun, { slug, timezone }: KnownJob): Followed {
  return { workflowId, runId, slug, timezone };
}
