import type { Row } from '../lytics/client.ts';

export interface Uids {
  uids: string[];
  /** IDs that are ambiguous: numbers beyond 2^53 lost digits on the way, text may hold half a character. */
  imprecise: number;
}

/** The Gigya UIDs in a row's ID field: none, one, or several. Numbers may come as numbers or as text. */
export function uidsIn(row: Row, field: string): Uids {
  const value = row[field];
  const uids = new Set<string>();
  let imprecise = 0;
  for (const entry of Array.isArray(value) ? value : [value]) {
    if (typeof entry !== 'number' && (typeof entry !== 'string' || entry.trim() === '')) continue;
    const isPrecise = typeof entry === 'number' ? Number.isSafeInteger(entry) : entry.isWellFormed();
    if (isPrecise) uids.add(String(entry));
    else imprecise++;
  }
  return { uids: [...uids], imprecise };
}
