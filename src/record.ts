import { readNumber } from './numbers.ts';

/** A value that a Gigya field can hold; null clears it. */
export type Value = readonly string[] | string | number | boolean | null;

/** Whether a record can hold it. */
export function isValue(value: unknown): value is Value {
  if (Array.isArray(value)) return value.every((entry) => typeof entry === 'string');
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Values by Gigya field. */
export type Data = Readonly<Record<string, Value>>;

/** The type of a Gigya field, as far as values differ by it. A field that holds lists has the type of their entries. */
export type FieldType = 'string' | 'integer' | 'number' | 'boolean';

/** Types by Gigya field. A field that Gigya's schema does not declare is absent. */
export type FieldTypes = Readonly<Record<string, FieldType>>;

/** What one Gigya user should hold. */
export interface UserRecord {
  uid: string;
  data: Data;
}

/** What Gigya holds of a user, by field. A field that is absent is not set. */
export type Held = Readonly<Record<string, unknown>>;

/** Whether a user already holds a record. */
export function holds(held: Held, data: Data): boolean {
  return Object.entries(data).every(([field, value]) => isEqual(held[field], value));
}

/** Whether a user has a value in a field of the record, if only an empty array: the field was written before. */
export function hasAny(held: Held, data: Data): boolean {
  return Object.keys(data).some((field) => held[field] !== undefined && held[field] !== null);
}

/**
 * Arrays are equal in any order, and unequal with a duplicate; absent, null and an empty array are the same. A
 * number or boolean may be text on one side.
 */
function isEqual(held: unknown, value: Value): boolean {
  if (value === null) return isUnset(held);
  if (typeof value === 'object') {
    if (isUnset(held)) return value.length === 0;
    if (!Array.isArray(held) || held.length !== value.length) return false;
    const sorted = [...held].sort();
    return [...value].sort().every((entry, index) => sorted[index] === entry);
  }
  if (typeof value === 'number' || typeof held === 'number') {
    return isSameNumber(readNumber(held), readNumber(value));
  }
  if (typeof value === 'boolean' || typeof held === 'boolean') return String(held) === String(value);
  return held === value;
}

const isUnset = (held: unknown): boolean =>
  held === undefined || held === null || (Array.isArray(held) && held.length === 0);

/** Not documented: whether a `float` of Gigya's is of single precision, and comes back with other digits. */
function isSameNumber(held: number | undefined, value: number | undefined): boolean {
  if (held === undefined || value === undefined || held === value)
    return held !== undefined && held === value;
  return !Number.isInteger(value) && Math.fround(held) === Math.fround(value);
}
