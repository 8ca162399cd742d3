/** A value that a Gigya field can hold; null clears it. */
export type Value = readonly string[] | string | number | boolean | null;

/** Values by Gigya field. */
export type Data = Readonly<Record<string, Value>>;

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

/**
 * Arrays are equal in any order, and unequal with a duplicate; an absent array is empty. Numbers may come back
 * as text.
 */
function isEqual(held: unknown, value: Value): boolean {
  if (value === null) return held === undefined || held === null;
  if (typeof value === 'object') {
    if (held === undefined || held === null) return value.length === 0;
    if (!Array.isArray(held) || held.length !== value.length) return false;
    const sorted = [...held].sort();
    return [...value].sort().every((entry, index) => sorted[index] === entry);
  }
  if (typeof value === 'number' && typeof held === 'string')
    return held.trim() !== '' && Number(held) === value;
  return held === value;
}
