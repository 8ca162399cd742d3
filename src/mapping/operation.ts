import { type Data, type Held, hasAny, holds, type Value } from '../record.ts';
import type { ChangedRow, Operation } from '../rows.ts';
import type { Mapped } from './mapping.ts';

/** @param before What Gigya holds; undefined when the index does not know the user. */
export function operationOf(before: Held | undefined, after: Data, { job, audience }: Mapped): Operation {
  const { label } = audience;
  const field = job.config.gigya_field;
  // Of an applied plan: only what changes is in the record.
  if (!(field in after)) return 'change';
  if (label === undefined) return before && hasAny(before, after) ? 'change' : 'add';
  const has = carries(after[field], label);
  const had = before ? carries(before[field], label) : !has;
  if (has === had) return 'change';
  return has ? 'add' : 'remove';
}

/** The fields that a record changes. */
export function changeOf(uid: string, before: Held, after: Data, plan: Mapped): ChangedRow {
  const changed = Object.entries(after)
    .filter(([field, value]) => !holds(before, { [field]: value }))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    uid,
    operation: operationOf(before, after, plan),
    before: Object.fromEntries(changed.map(([field, value]) => [field, canonical(before[field], value)])),
    after: Object.fromEntries(changed.map(([field, value]) => [field, sorted(value)])),
  };
}

function carries(value: unknown, label: string): boolean {
  return Array.isArray(value) && value.includes(label);
}

/** Gigya may return an absent field, null or an empty list for the same state, and lists in any order. */
function canonical(held: unknown, after: Value): unknown {
  if (held === undefined || held === null) return Array.isArray(after) ? [] : null;
  return isTexts(held) ? sorted(held) : held;
}

function sorted(value: Value): Value {
  return Array.isArray(value) ? [...value].sort() : value;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
