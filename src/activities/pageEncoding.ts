import type { Data, UserRecord, Value } from '../record.ts';
import type { Page } from './sealedPage.ts';

/**
 * A page as it is sealed. Names of fields and entries of lists repeat in every record, so they are written once, and
 * a record refers to them by position: a page is stored twice in the history, as a result and as an input.
 */
interface EncodedPage {
  /** The fields of a record; usually all records have the same. */
  shapes: readonly string[][];
  /** Entries of lists. */
  texts: readonly string[];
  records: readonly EncodedRecord[];
  copies: Page['copies'];
}

/** The UID, the position of the shape, and a value for each of its fields. */
type EncodedRecord = readonly [uid: string, shape: number, ...values: EncodedValue[]];

/** Lists contain positions in `texts`. */
type EncodedValue = readonly number[] | string | number | boolean | null;

export function encodePage({ records, copies }: Page): EncodedPage {
  const shapes = new Positions();
  const texts = new Positions();
  const encoded = records.map(({ uid, data }): EncodedRecord => {
    const values = Object.values(data).map((value) => encodeValue(value, texts));
    return [uid, shapes.of(JSON.stringify(Object.keys(data))), ...values];
  });
  return {
    shapes: shapes.known.map((shape) => JSON.parse(shape)),
    texts: texts.known,
    records: encoded,
    copies,
  };
}

function encodeValue(value: Value, texts: Positions): EncodedValue {
  return isList(value) ? value.map((text) => texts.of(text)) : value;
}

/** @throws {Error} when it is not an encoded page. */
export function decodePage(encoded: unknown): Page {
  const { shapes, texts, records, copies } = fieldsOf(encoded);
  const fields = listOf(shapes).map((shape) => listOf(shape).map(textOf));
  const entries = listOf(texts).map(textOf);
  return {
    records: listOf(records).map((record) => decodeRecord(listOf(record), fields, entries)),
    copies: listOf(copies).map((copy) => {
      const [uid, rows] = listOf(copy);
      if (typeof rows !== 'number') throw notAPage();
      return [textOf(uid), rows];
    }),
  };
}

function decodeRecord(
  [uid, shape, ...values]: readonly unknown[],
  shapes: readonly string[][],
  texts: readonly string[],
): UserRecord {
  const fields = typeof shape === 'number' ? shapes[shape] : undefined;
  if (fields?.length !== values.length) throw notAPage();
  const data: Data = Object.fromEntries(fields.map((field, at) => [field, decodeValue(values[at], texts)]));
  return { uid: textOf(uid), data };
}

function decodeValue(value: unknown, texts: readonly string[]): Value {
  if (Array.isArray(value)) return value.map((at) => textOf(texts[at]));
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  throw notAPage();
}

/** Texts, each once, by position. */
class Positions {
  readonly #positions = new Map<string, number>();

  get known(): string[] {
    return [...this.#positions.keys()];
  }

  of(text: string): number {
    const known = this.#positions.get(text);
    if (known !== undefined) return known;
    const position = this.#positions.size;
    this.#positions.set(text, position);
    return position;
  }
}

const isList = (value: Value): value is readonly string[] => Array.isArray(value);

function fieldsOf(value: unknown): Partial<Record<keyof EncodedPage, unknown>> {
  if (typeof value !== 'object' || value === null) throw notAPage();
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw notAPage();
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw notAPage();
  return value;
}

const notAPage = () => new Error('Not an encoded page');
