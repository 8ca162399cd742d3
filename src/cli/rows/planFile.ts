import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Counts } from '../../counts.ts';
import type { ChangedRow, Operation } from '../../rows.ts';
import { inChunks, writeWhole } from './outputFile.ts';

/** The first line of a plan file. */
export interface PlanHeader {
  format_version: '1';
  /** The job's name. */
  job: string;
  /** The preview that found the plan. */
  run_id: string;
  created: string;
  counts: Counts;
  /** Of the lines after this one, each with its line feed. */
  sha256: string;
}

/** What a plan holds. */
export interface PlanDigest {
  rows: number;
  operations: Record<Operation, number>;
  sha256: string;
  /** The first rows, by UID. */
  first: ChangedRow[];
}

const SHOWN = 20;
/** Takes the place of the hash until the rows are written. */
const NO_HASH = '0'.repeat(64);

/** A row's line: the same row always gives the same line. */
export function planLine({ uid, operation, before, after }: ChangedRow): string {
  return JSON.stringify({ uid, operation, before, after });
}

export function readPlanLine(line: string): ChangedRow {
  const row: ChangedRow = JSON.parse(line);
  return row;
}

/**
 * Hashes the lines of a plan, and writes them to a file unless it is undefined.
 *
 * @param lines By UID, without line feeds.
 */
export async function writePlan(
  path: string | undefined,
  header: Omit<PlanHeader, 'sha256'>,
  lines: AsyncIterable<string>,
): Promise<PlanDigest> {
  const digest = new Digest();
  if (path === undefined) {
    for await (const _ of digest.of(lines));
    return digest.end();
  }
  await writeWhole(path, async (file) => {
    const headerLine = (sha256: string) => `${JSON.stringify({ ...header, sha256 })}\n`;
    await file.appendFile(headerLine(NO_HASH));
    for await (const chunk of inChunks(digest.of(lines))) await file.appendFile(chunk);
    await writeAtStart(file, headerLine(digest.end().sha256));
  });
  return digest.end();
}

async function writeAtStart(file: FileHandle, text: string): Promise<void> {
  await file.write(text, 0);
}

/** Collects what is said about a plan while its lines pass. */
class Digest {
  readonly #hash = createHash('sha256');
  readonly #operations: Record<Operation, number> = { add: 0, change: 0, remove: 0 };
  readonly #first: ChangedRow[] = [];
  #rows = 0;
  #sha256: string | undefined;

  async *of(lines: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const line of lines) {
      const text = `${line}\n`;
      this.#hash.update(text);
      const row = readPlanLine(line);
      this.#rows++;
      this.#operations[row.operation]++;
      if (this.#first.length < SHOWN) this.#first.push(row);
      yield text;
    }
  }

  end(): PlanDigest {
    this.#sha256 ??= this.#hash.digest('hex');
    return { rows: this.#rows, operations: this.#operations, sha256: this.#sha256, first: this.#first };
  }
}
