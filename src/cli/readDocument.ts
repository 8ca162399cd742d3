import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Job, parseJob } from '../job.ts';
import { UsageError } from './errors.ts';

/** The name that stands for standard input. */
const STANDARD_INPUT = '-';

/** @throws {UsageError} {@link InvalidJob} */
export async function readJob(path: string): Promise<Job> {
  return parseJob(parseJson(await readText(path), nameOf(path)));
}

async function readText(path: string): Promise<string> {
  if (path === STANDARD_INPUT) return text(process.stdin);
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot read ${nameOf(path)} (${error.code}); check the path`);
  });
}

function nameOf(path: string): string {
  return path === STANDARD_INPUT ? 'the job document on standard input' : `the job document ${path}`;
}

function parseJson(written: string, name: string): unknown {
  // Some editors begin a file with a byte order mark.
  const json = written.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`Not JSON: ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
