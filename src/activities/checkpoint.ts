import { z } from 'zod';
import type { Counts } from '../counts.ts';
import type { Calls } from '../monitor.ts';
import { bitsOf, positionsIn } from './bits.ts';
import { type RowSet, sealedRowsSchema } from './rowSet.ts';

/** Which kinds of write a run has read back, to prove that writes replace arrays rather than append to them. */
export interface ReadBack {
  /** Any write. */
  write: boolean;
  /** A write over a value that was not empty, which proves it. */
  replacement: boolean;
}

const writtenSchema = z.object({
  updated: z.number(),
  unchanged: z.number(),
  unknown_uid: z.number(),
  failed: z.number(),
  /** Records of a plan that were skipped; absent when there are none. */
  stale: z.number().optional(),
  /** Failed records by reason. */
  failures: z.record(z.string(), z.number()),
  /** Users who carry the exported audience now. */
  carrying: z.number(),
  readBack: z.object({ write: z.boolean(), replacement: z.boolean() }),
  /** The run was cancelled, or the activity failed, before all records were done. */
  stopped: z.boolean(),
  /** Who failed, and in a preview who changes; absent when there is nobody. */
  sealed: sealedRowsSchema.optional(),
  /** Set when no more rows fit into a result: the records whose outcome is known, one bit each; the others are left. */
  rest: z.base64().optional(),
});

/** The outcomes of a page's records. */
export interface WrittenPage extends z.output<typeof writtenSchema> {
  /** The requests that it took; in a preview only. */
  calls?: Calls;
}

const snapshotSchema = writtenSchema.extend({
  /** One bit per record, in base64: whether its outcome is known. */
  done: z.base64(),
  /** The position of a record that was written or read well, to distinguish a bad record from a failing service. */
  canary: z.number().nullable(),
});

/** What happened to a record. */
export type Outcome =
  | { kind: 'updated' | 'unchanged' | 'unknown_uid' | 'stale' }
  | { kind: 'failed'; reason: string };

/** What an attempt has done, for the next attempt to continue from: heartbeats contain it. */
export class Checkpoint {
  readonly #done = new Set<number>();
  readonly #written: WrittenPage;
  readonly #rows: RowSet | undefined;
  canary: number | null = null;

  /**
   * @param resumedFrom The last heartbeat of the previous attempt, if there is one.
   * @param rows Where the page's rows are collected.
   * @param done The records of the page that an earlier activity handled.
   */
  constructor(resumedFrom: unknown, readBack: ReadBack, rows?: RowSet, done = '') {
    this.#rows = rows;
    for (const position of positionsIn(done)) this.#done.add(position);
    const before = snapshotSchema.safeParse(resumedFrom).data;
    if (!before) {
      const none: Pick<Counts, 'updated' | 'unchanged' | 'unknown_uid' | 'failed'> = {
        updated: 0,
        unchanged: 0,
        unknown_uid: 0,
        failed: 0,
      };
      this.#written = { ...none, failures: {}, carrying: 0, readBack: { ...readBack }, stopped: false };
      return;
    }
    const { done: doneBefore, canary, sealed, rest: _, ...written } = before;
    this.#written = written;
    this.canary = canary;
    for (const position of positionsIn(doneBefore)) this.#done.add(position);
    if (sealed) rows?.resume(sealed);
  }

  get written(): Readonly<WrittenPage> {
    return this.#written;
  }

  /** The outcomes so far, when the remaining records are not written. */
  get stopped(): WrittenPage {
    return { ...this.#withRows(), stopped: true };
  }

  /** @param records How many the page has. */
  result(records: number): WrittenPage {
    return { ...this.#withRows(), ...(this.#done.size < records && { rest: bitsOf(this.#done) }) };
  }

  isDone(position: number): boolean {
    return this.#done.has(position);
  }

  /**
   * @param copies Rows that the record represents; it is written once.
   * @param isCarrier Whether the record carries the exported audience.
   */
  settle(position: number, outcome: Outcome, copies: number, isCarrier: boolean): void {
    this.#done.add(position);
    const written = this.#written;
    if (outcome.kind === 'failed') {
      written.failed += copies;
      written.failures[outcome.reason] = (written.failures[outcome.reason] ?? 0) + copies;
      return;
    }
    if (outcome.kind === 'unknown_uid') {
      written.unknown_uid += copies;
      return;
    }
    if (outcome.kind === 'stale') {
      written.stale = (written.stale ?? 0) + copies;
      return;
    }
    const updates = outcome.kind === 'updated' ? 1 : 0;
    written.updated += updates;
    written.unchanged += copies - updates;
    this.canary = position;
    if (isCarrier) written.carrying += 1;
  }

  markReadBack(kind: keyof ReadBack): void {
    this.#written.readBack[kind] = true;
  }

  snapshot(): z.output<typeof snapshotSchema> {
    return { ...this.#withRows(), canary: this.canary, done: bitsOf(this.#done) };
  }

  #withRows(): WrittenPage {
    const sealed = this.#rows?.seal();
    return { ...this.#written, ...(sealed && { sealed }) };
  }
}
