import { z } from 'zod';
import type { Counts } from '../counts.ts';

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
  /** Failed records by reason. */
  failures: z.record(z.string(), z.number()),
  /** Users who carry the exported audience now. */
  carrying: z.number(),
  readBack: z.object({ write: z.boolean(), replacement: z.boolean() }),
  /** The run was cancelled, or the activity failed, before all records were done. */
  stopped: z.boolean(),
});

/** The outcomes of a page's records. */
export type WrittenPage = z.output<typeof writtenSchema>;

const snapshotSchema = writtenSchema.extend({
  /** One bit per record, in base64: whether its outcome is known. */
  done: z.base64(),
  /** The position of a record that was written or read well, to distinguish a bad record from a failing service. */
  canary: z.number().nullable(),
});

/** What happened to a record. */
export type Outcome = { kind: 'updated' | 'unchanged' | 'unknown_uid' } | { kind: 'failed'; reason: string };

/** What an attempt has done, for the next attempt to continue from: heartbeats contain it. */
export class Checkpoint {
  readonly #done = new Set<number>();
  readonly #written: WrittenPage;
  canary: number | null = null;

  /** @param resumedFrom The last heartbeat of the previous attempt, if there is one. */
  constructor(resumedFrom: unknown, readBack: ReadBack) {
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
    const { done, canary, ...written } = before;
    this.#written = written;
    this.canary = canary;
    for (const position of positionsIn(done)) this.#done.add(position);
  }

  get written(): Readonly<WrittenPage> {
    return this.#written;
  }

  /** The outcomes so far, when the remaining records are not written. */
  get stopped(): WrittenPage {
    return { ...this.#written, stopped: true };
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
    return { ...this.#written, canary: this.canary, done: bitsOf(this.#done) };
  }
}

function positionsIn(bits: string): number[] {
  const bytes = Buffer.from(bits, 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, position) => position).filter(
    (position) => ((bytes[position >> 3] ?? 0) >> (position & 7)) & 1,
  );
}

function bitsOf(positions: ReadonlySet<number>): string {
  const bytes = Buffer.alloc(Math.ceil((Math.max(-1, ...positions) + 1) / 8));
  for (const position of positions) {
    bytes[position >> 3] = (bytes[position >> 3] ?? 0) | (1 << (position & 7));
  }
  return bytes.toString('base64');
}
