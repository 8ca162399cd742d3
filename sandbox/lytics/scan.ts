import type { ScanOrder } from '../events.ts';
import { hash } from '../random.ts';
import type { Settings } from '../settings.ts';
import { parseFilter, runFilter } from './filterql.ts';
import type { LyticsState } from './state.ts';

/** Disjoint hundredths of the users. */
const splitOf = (key: number) => hash(`split ${key}`) % 100;

export function openScan(
  state: LyticsState,
  id: string,
  order: ScanOrder,
  settings: Settings,
  now: number,
): void {
  for (const [old, scan] of state.scans)
    if (now - scan.usedAt > (settings.lytics.cursorLifeSeconds + 60) * 1000) state.scans.delete(old);

  let keys =
    order.filter === null
      ? [...state.members(order.audience ?? '')]
      : runFilter(state, parseFilter(order.filter));
  if (order.splits) {
    const wanted = new Set(order.splits);
    keys = keys.filter((key) => wanted.has(splitOf(key)));
  }
  const { sortField } = order;
  if (sortField !== null) {
    const rank = (key: number) => {
      const value = state.rows.get(key)?.fields[sortField];
      return typeof value === 'number' ? value : String(value ?? '');
    };
    keys.sort((a, b) => {
      const [x, y] = [rank(a), rank(b)];
      return x === y ? a - b : x < y !== order.descending ? -1 : 1;
    });
  }
  state.scans.set(id, { keys, position: 0, usedAt: now });
}
