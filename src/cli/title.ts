import { type Job, parseJob } from '../job.ts';

/** The name and audience of a run, read without a worker from its document or its memo. */
export interface Title {
  name: string | null;
  audience: string | null;
  dryRun: boolean;
  timezone: string;
  /** The document, if it is valid. */
  job: Job | null;
}

/** What goes into the memo of a job's schedule and runs: lists show it without reading a document. */
export function memoOf(job: Job): Record<string, unknown> {
  return { job: job.name, audience: job.config.segment_id };
}

export function readTitle(document: unknown, memo: Record<string, unknown> | undefined): Title {
  const job = validJob(document);
  return {
    name: job?.name ?? textAt(document, 'name') ?? textAt(memo, 'job'),
    audience:
      job?.config.segment_id ?? textAt(valueAt(document, 'config'), 'segment_id') ?? textAt(memo, 'audience'),
    dryRun: job?.config.dry_run ?? false,
    timezone: job?.config.timezone ?? 'UTC',
    job,
  };
}

function validJob(document: unknown): Job | null {
  try {
    return parseJob(document);
  } catch {
    // Perhaps started by hand with a wrong document: it is listed anyway, and fails by itself.
    return null;
  }
}

function textAt(value: unknown, key: string): string | null {
  const found = valueAt(value, key);
  return typeof found === 'string' && found !== '' ? found : null;
}

function valueAt(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
