import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseJsonText } from '../documents.ts';
import { type Job, parseJob } from '../job.ts';
import { UsageError } from './errors.ts';

/** The name that stands for standard input. */
const STANDARD_INPUT = '-';

/** Reads a job document as it is written. @throws {UsageError} {@link BadJson} */
export async function readDocument(path: string): Promise<unknown> {
  if (path === STANDARD_INPUT) return parseJsonText(await text(process.stdin), 'Standard input');
  const written = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot read the job document ${path} (${error.code}); check the path`);
  });
  return parseJsonText(written, path);
}

/** @throws {UsageError} {@link BadJson} {@link InvalidJob} */
export async function readJob(path: string): Promise<Job> {
  return parseJob(await readDocument(path));
}
