import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inChunks } from './outputFile.ts';

/** Lines are sorted in memory up to this many characters, then in files. */
const MOST_CHARACTERS = 32_000_000;

interface Keyed {
  key: string;
  line: string;
}

/**
 * Sorts lines by a key, with a bounded memory: beyond it in files, in a folder that only this user can read and that
 * {@link remove} deletes. Of lines with the same key, the last one added stays.
 */
export class SortedLines {
  readonly #keyOf: (line: string) => string;
  readonly #most: number;
  #lines: Keyed[] = [];
  #characters = 0;
  #folder: string | undefined;
  readonly #files: string[] = [];

  /** @param keyOf Finds the key in a line that is read back from a file. */
  constructor(keyOf: (line: string) => string, most = MOST_CHARACTERS) {
    this.#keyOf = keyOf;
    this.#most = most;
  }

  async add(key: string, line: string): Promise<void> {
    this.#lines.push({ key, line });
    this.#characters += key.length + line.length;
    if (this.#characters >= this.#most) await this.#spill();
  }

  async *sorted(): AsyncGenerator<string> {
    const sources = [
      ...this.#files.map((file) => this.#read(file)),
      sortByKey(this.#lines)[Symbol.iterator](),
    ];
    let last: Keyed | undefined;
    for await (const keyed of merge(sources)) {
      if (last && last.key !== keyed.key) yield last.line;
      last = keyed;
    }
    if (last) yield last.line;
  }

  async remove(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #spill(): Promise<void> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'lytics-gigya-export-'));
    const path = join(this.#folder, String(this.#files.length));
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of inChunks(withLineFeeds(sortByKey(this.#lines)))) await file.appendFile(chunk);
    } finally {
      await file.close();
    }
    this.#files.push(path);
    this.#lines = [];
    this.#characters = 0;
  }

  async *#read(path: string): AsyncGenerator<Keyed> {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      yield { key: this.#keyOf(line), line };
    }
  }
}

/** By code units, so that the order is the same on every machine. */
function sortByKey(lines: Keyed[]): Keyed[] {
  return lines.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
}

async function* withLineFeeds(lines: readonly Keyed[]): AsyncGenerator<string> {
  for (const { line } of lines) yield `${line}\n`;
}

/** Merges sorted sources; of equal keys, those of earlier sources come first. */
async function* merge(sources: readonly (AsyncIterator<Keyed> | Iterator<Keyed>)[]): AsyncGenerator<Keyed> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, head: await source.next() })));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const one of heads) {
      if (one.head.done) continue;
      if (!first || first.head.done || one.head.value.key < first.head.value.key) first = one;
    }
    if (!first || first.head.done) return;
    yield first.head.value;
    first.head = await first.source.next();
  }
}
