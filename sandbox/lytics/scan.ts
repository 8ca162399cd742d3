import type { ScanOrder } from '../events.ts';
import { hash } from '../random.ts';
import type { Settings } from '../settings.ts';
import { parseFilter } from './filterql.ts';
import { includedBy, runFilter } from './filterqlRun.ts';
import type { LyticsState } from './state.ts';

/** Disjoint hundredths of the users. */
const splitOf = (key: number) => hash(`split ${key}`) % 100;

/** A scan shows the users that were in the audience when it was opened. */
export function openScan(
  state: LyticsState,
  id: string,
  order: ScanOrder,
  settings: Settings,
  now: number,
): void {
  for (const [old, scan] of state.scans)
    if (now - scan.usedAt > (settings.lytics.cursorLifeSeconds + 60) * 1000) state.scans.delete(old);

  const filter = order.filter === null ? null : parseFilter(order.filter);
  const all = filter ? runFilter(state, filter) : [...state.members(order.audience ?? '')];
  const wanted = order.splits && new Set(order.splits);
  const keys = wanted ? all.filter((key) => wanted.has(splitOf(key))) : all;
  if (order.sortField !== null) sortKeys(state, keys, order.sortField, order.descending);
  const audiences = filter ? includedBy(state, filter) : [order.audience ?? ''];
  state.scans.set(id, { keys, audiences, position: 0, usedAt: now });
}

function sortKeys(state: LyticsState, keys: number[], field: string, descending: boolean): void {
  const rank = (key: number) => {
    const value = state.rows.get(key)?.fields[field];
    return typeof value === 'number' ? value : String(value ?? '');
  };
  keys.sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x === y ? a - b : x < y !== descending ? -1 : 1;
  });
}
