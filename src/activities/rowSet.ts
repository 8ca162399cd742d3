import { z } from 'zod';
import type { ChangedRow, FailedRow, RowKind, RowsByKind } from '../rows.ts';
import { MOST_MESSAGE_CHARACTERS, MOST_ROW_SET_BYTES } from '../tuning.ts';
import { bitsOf, positionsIn } from './bits.ts';
import { openText, sealText } from './sealedText.ts';

/** Sealed rows of a page, by kind: part of an activity's result. */
export const sealedRowsSchema = z.object({
  failed: z.array(z.string()).optional(),
  changed: z.array(z.string()).optional(),
});

export type SealedRows = z.output<typeof sealedRowsSchema>;

/**
 * The rows of a page while it is written. They are sealed a few at a time, so that each heartbeat can contain all
 * of them: the next attempt takes over what is sealed without opening it.
 */
export class RowSet {
  #key: Uint8Array | undefined;
  readonly #sealed: Record<RowKind, string[]> = { failed: [], changed: [] };
  #failed = new Encoder(encodeFailed);
  #changed = new Encoder(encodeChanged);
  /** Bytes before sealing of what is sealed. */
  #sealedBytes = 0;

  /** To be called before the first row is added. */
  sealWith(key: Uint8Array): void {
    this.#key = key;
  }

  /** Takes over the rows of the previous attempt. */
  resume({ failed = [], changed = [] }: SealedRows): void {
    this.#sealed.failed.push(...failed);
    this.#sealed.changed.push(...changed);
    for (const text of [...failed, ...changed]) this.#sealedBytes += Math.ceil(text.length * 0.75);
  }

  /** No more rows fit into a result: the rest of the page is left to another activity. */
  get isFull(): boolean {
    return this.#sealedBytes + this.#failed.bytes + this.#changed.bytes >= MOST_ROW_SET_BYTES;
  }

  addFailed(row: FailedRow): void {
    this.#failed.add(row);
  }

  addChanged(row: ChangedRow): void {
    this.#changed.add(row);
  }

  /** Undefined when there are no rows. */
  seal(): SealedRows | undefined {
    this.#sealedBytes += this.#failed.bytes + this.#changed.bytes;
    this.#failed = this.#flush('failed', this.#failed, encodeFailed);
    this.#changed = this.#flush('changed', this.#changed, encodeChanged);
    const { failed, changed } = this.#sealed;
    if (failed.length + changed.length === 0) return undefined;
    return {
      ...(failed.length > 0 && { failed: [...failed] }),
      ...(changed.length > 0 && { changed: [...changed] }),
    };
  }

  #flush<Row>(kind: RowKind, encoder: Encoder<Row>, encode: Encode<Row>): Encoder<Row> {
    if (encoder.bytes === 0 || !this.#key) return encoder;
    this.#sealed[kind].push(sealText(encoder.text(), this.#key));
    return new Encoder(encode);
  }
}

/** The JSON of a sealed set, without reading its rows. @throws {ApplicationFailure} of type `SealBroken`. */
export function openRows(sealed: string, key: Uint8Array): Promise<string> {
  return openText(sealed, key, 'The rows cannot be opened: the Gigya secret was changed after this run');
}

const READERS: { [Kind in RowKind]: (set: unknown) => RowsByKind[Kind][] } = {
  failed: readFailed,
  changed: readChanged,
};

/** Reads an opened set, from its JSON. */
export function readRowSet<Kind extends RowKind>(kind: Kind, set: unknown): RowsByKind[Kind][] {
  return READERS[kind](set);
}

/** The position of a text in the set's table; a new text is added. */
type PositionOf = (text: string) => number;
type Encode<Row> = (row: Row, positionOf: PositionOf, known: () => number) => unknown;

/** Turns rows into compact JSON. Texts that repeat, such as audiences, are written once, in a table. */
class Encoder<Row> {
  readonly #encode: Encode<Row>;
  readonly #positions = new Map<string, number>();
  readonly #rows: string[] = [];
  bytes = 0;

  constructor(encode: Encode<Row>) {
    this.#encode = encode;
  }

  add(row: Row): void {
    const encoded = this.#encode(
      row,
      (text) => this.#positionOf(text),
      () => this.#positions.size,
    );
    const json = JSON.stringify(encoded);
    this.#rows.push(json);
    this.bytes += Buffer.byteLength(json) + 1;
  }

  text(): string {
    return `{"texts":${JSON.stringify([...this.#positions.keys()])},"rows":[${this.#rows.join(',')}]}`;
  }

  #positionOf(text: string): number {
    const known = this.#positions.get(text);
    if (known !== undefined) return known;
    const position = this.#positions.size;
    this.#positions.set(text, position);
    this.bytes += Buffer.byteLength(JSON.stringify(text)) + 1;
    return position;
  }
}

const operation = z.enum(['add', 'change', 'remove']);

const failedSet = z.object({
  texts: z.array(z.string()),
  rows: z.array(
    z.tuple([
      z.string(),
      operation.nullable(),
      z.enum(['rejected', 'unknown_user', 'stale']),
      z.string(),
      z.number(),
      z.string().nullable(),
      z.number(),
      z.string(),
    ]),
  ),
});

function encodeFailed(row: FailedRow, positionOf: PositionOf): z.output<typeof failedSet>['rows'][number] {
  const { identifier, operation: op, status, errorCode, statusMessage, callId, attempts, attemptedAt } = row;
  const message = positionOf(statusMessage.slice(0, MOST_MESSAGE_CHARACTERS));
  return [identifier, op, status, errorCode, message, callId, attempts, attemptedAt];
}

function readFailed(set: unknown): FailedRow[] {
  const { texts, rows } = failedSet.parse(set);
  return rows.map(
    ([identifier, op, status, errorCode, message, callId, attempts, attemptedAt]): FailedRow => ({
      identifier,
      operation: op,
      status,
      errorCode,
      statusMessage: texts[message] ?? '',
      callId,
      attempts,
      attemptedAt,
    }),
  );
}

/** A list of texts is written as their positions, or as a bit per text of the table where that is shorter. */
const encodedValue = z.union([
  z.object({ list: z.array(z.number()) }),
  z.object({ bits: z.base64() }),
  z.object({ value: z.json() }),
]);
type EncodedValue = z.output<typeof encodedValue>;

const encodedFields = z.record(z.string(), encodedValue);
const changedSet = z.object({
  texts: z.array(z.string()),
  rows: z.array(z.tuple([z.string(), operation, encodedFields, encodedFields])),
});

function encodeChanged(row: ChangedRow, positionOf: PositionOf, known: () => number): unknown {
  const fields = (values: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(values).map(([field, value]) => [field, encodeValue(value, positionOf, known)]),
    );
  return [row.uid, row.operation, fields(row.before), fields(row.after)];
}

function encodeValue(value: unknown, positionOf: PositionOf, known: () => number): object {
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) return { value };
  const list = value.map((text: string) => positionOf(text));
  const hasDuplicates = new Set(list).size < list.length;
  // A position takes about four characters, and six bits one.
  if (hasDuplicates || list.length * 24 < known()) return { list };
  return { bits: bitsOf(list) };
}

const writtenFields = z.record(
  z.string(),
  z.union([z.array(z.string()), z.string(), z.number(), z.boolean(), z.null()]),
);

function readChanged(set: unknown): ChangedRow[] {
  const { texts, rows } = changedSet.parse(set);
  return rows.map(([uid, op, before, after]) => ({
    uid,
    operation: op,
    before: decodeFields(before, texts),
    after: writtenFields.parse(decodeFields(after, texts)),
  }));
}

function decodeFields(
  fields: z.output<typeof encodedFields>,
  texts: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, decodeValue(value, texts)]),
  );
}

function decodeValue(encoded: EncodedValue, texts: readonly string[]): unknown {
  if ('value' in encoded) return encoded.value;
  const positions = 'list' in encoded ? encoded.list : positionsIn(encoded.bits);
  return positions.map((position) => texts[position] ?? '').sort();
}
