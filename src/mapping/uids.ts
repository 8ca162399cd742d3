import type { Row } from '../lytics/client.ts';

export interface Uids {
  uids: string[];
  /** Ambiguous IDs: numbers beyond 2^53 have lost digits, and strings may contain an unpaired surrogate. */
  imprecise: string[];
}

/** The Gigya UIDs in a row's ID field: none, one, or several. Numbers may be numbers or strings. */
export function uidsIn(row: Row, field: string): Uids {
  const value = row[field];
  const uids = new Set<string>();
  const imprecise: string[] = [];
  for (const entry of Array.isArray(value) ? value : [value]) {
    if (typeof entry !== 'number' && (typeof entry !== 'string' || entry.trim() === '')) continue;
    const isPrecise = typeof entry === 'number' ? Number.isSafeInteger(entry) : entry.isWellFormed();
    if (isPrecise) uids.add(String(entry));
    else imprecise.push(String(entry).toWellFormed());
  }
  return { uids: [...uids], imprecise };
}
