import type { JobDocument } from '../../src/job.ts';

/** A job document for the sandbox's audience `vip`. */
export function jobDocument(
  name: string,
  config: Partial<JobDocument['config']> = {},
  gigya = 'gigya',
): JobDocument {
  return { name, auth_ids: ['lytics', gigya], config: { segment_id: 'vip', ...config } };
}
