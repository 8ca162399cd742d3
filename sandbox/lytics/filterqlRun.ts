import { type Filter, FilterError } from './filterql.ts';
import { type LyticsState, type Row, valuesOf } from './state.ts';

/** Fails on an audience that does not exist: otherwise a misspelled name would look like an empty audience. */
function check(state: LyticsState, filter: Filter): void {
  if (filter.kind === 'and' || filter.kind === 'or') for (const term of filter.terms) check(state, term);
  else if (filter.kind === 'not') check(state, filter.term);
  else if (filter.kind === 'include' && !state.audience(filter.audience))
    throw new FilterError(`unknown audience ${filter.audience}`);
}

function holds(state: LyticsState, filter: Filter, row: Row): boolean {
  switch (filter.kind) {
    case 'all':
      return true;
    case 'and':
      return filter.terms.every((term) => holds(state, term, row));
    case 'or':
      return filter.terms.some((term) => holds(state, term, row));
    case 'not':
      return !holds(state, filter.term, row);
    case 'include':
      return state.members(state.audience(filter.audience)?.id ?? '').has(row.key);
    case 'exists':
      return valuesOf(row.fields[filter.field]).length > 0;
    case 'in':
      return valuesOf(row.fields[filter.field]).some((value) => filter.values.includes(value));
  }
}

/** The rows that can hold at all, from the smallest index at hand; undefined is all of them. */
function candidates(state: LyticsState, filter: Filter): Set<number> | undefined {
  if (filter.kind === 'in')
    return new Set(filter.values.flatMap((value) => state.find(filter.field, value).map((row) => row.key)));
  if (filter.kind === 'include') return new Set(state.members(state.audience(filter.audience)?.id ?? ''));
  if (filter.kind !== 'and') return undefined;
  const byValue = filter.terms.filter((term) => term.kind === 'in' || term.kind === 'and');
  for (const term of [...byValue, ...filter.terms]) {
    const found = candidates(state, term);
    if (found) return found;
  }
  return undefined;
}

export function runFilter(state: LyticsState, filter: Filter): number[] {
  check(state, filter);
  const keys: number[] = [];
  for (const key of candidates(state, filter) ?? state.rows.keys()) {
    const row = state.rows.get(key);
    if (row && holds(state, filter, row)) keys.push(key);
  }
  return keys;
}

/** The audiences that every row of the filter is in, by id. */
export function includedBy(state: LyticsState, filter: Filter): string[] {
  if (filter.kind === 'and') return filter.terms.flatMap((term) => includedBy(state, term));
  if (filter.kind !== 'include') return [];
  const audience = state.audience(filter.audience);
  return audience ? [audience.id] : [];
}
