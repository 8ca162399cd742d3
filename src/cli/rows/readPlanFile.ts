import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import type { PlanHeader } from './planFile.ts';

const headerSchema = z.object({
  format_version: z.literal('1'),
  job: z.string(),
  run_id: z.string(),
  sha256: z.string(),
});

const LINE_FEED = 10;
/** A header is a few hundred characters. */
const LONGEST_HEADER = 100_000;

/**
 * The header of a plan file whose rows are as `preview` wrote them. The rows themselves are not used: a worker reads
 * them from the preview's history.
 *
 * @throws {UsageError} when the file cannot be read, is not a plan, or was changed.
 */
export async function readPlanFile(path: string): Promise<Pick<PlanHeader, 'job' | 'run_id'>> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot read the plan ${path} (${error.code}); check the path`);
  });
  try {
    const { line, sha256 } = await readLines(file);
    const header = headerSchema.safeParse(jsonIn(line));
    if (!header.success) throw new UsageError(`${path} is not a plan that "preview --out" wrote`);
    if (header.data.sha256 === sha256) return header.data;
    throw new UsageError(
      `${path} was changed after "preview --out" wrote it, and only a whole plan can be applied; make a new preview`,
    );
  } finally {
    await file.close();
  }
}

/** The first line, and the hash of what follows it. */
async function readLines(file: FileHandle): Promise<{ line: string; sha256: string }> {
  const hash = createHash('sha256');
  let first = Buffer.alloc(0);
  let hasHeader = false;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    const bytes = Buffer.from(chunk);
    if (hasHeader) hash.update(bytes);
    else {
      first = Buffer.concat([first, bytes]);
      const end = first.indexOf(LINE_FEED);
      hasHeader = end >= 0 || first.length > LONGEST_HEADER;
      if (end < 0) continue;
      hash.update(first.subarray(end + 1));
      first = first.subarray(0, end);
    }
  }
  return { line: first.toString(), sha256: hash.digest('hex') };
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
