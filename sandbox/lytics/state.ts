import type { Job } from './jobs.ts';

/** A flat Lytics profile; `audiences` holds ids, of all audiences, open to the API or not. */
export type Row = {
  key: number;
  fields: Readonly<Record<string, unknown>>;
  audiences: readonly string[];
};

export type Audience = {
  id: string;
  slug: string;
  name: string;
  publicName: string;
  isPublic: boolean;
  kind: string;
};

export type Scan = {
  /** Row keys in the order of the scan, as they were when it was opened. */
  keys: readonly number[];
  /** Ids of the audiences that it is of. */
  audiences: readonly string[];
  /** Server-side position, for scroll cursors. */
  position: number;
  usedAt: number;
};

export type LyticsState = {
  audiences: Map<string, Audience>;
  rows: Map<number, Row>;
  scans: Map<string, Scan>;
  jobs: Map<string, Job>;
  /** By id, else by slug. */
  audience(idOrSlug: string): Audience | undefined;
  putAudience(audience: Audience): void;
  removeAudience(id: string): void;
  members(audienceId: string): ReadonlySet<number>;
  putRow(row: Row): void;
  removeRow(key: number): void;
  nextKey(): number;
  /** Rows whose field holds the value (one of them, where it is a list). */
  find(field: string, value: string): Row[];
};

/** The texts a field can be looked up by: numbers as their digits, lists by each element. */
export function valuesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  return [];
}

const nobody: ReadonlySet<number> = new Set();

export function createLyticsState(): LyticsState {
  const audiences = new Map<string, Audience>();
  const slugs = new Map<string, string>();
  const rows = new Map<number, Row>();
  const members = new Map<string, Set<number>>();
  // An index by field, made when the field is first asked for.
  const lookups = new Map<string, Map<string, Set<number>>>();
  let lastKey = 0;

  const indexRow = (lookup: Map<string, Set<number>>, field: string, row: Row) => {
    for (const value of valuesOf(row.fields[field])) {
      const keys = lookup.get(value);
      if (keys) keys.add(row.key);
      else lookup.set(value, new Set([row.key]));
    }
  };

  const removeRow = (key: number) => {
    const row = rows.get(key);
    if (!row) return;
    rows.delete(key);
    for (const id of row.audiences) members.get(id)?.delete(key);
    for (const [field, lookup] of lookups)
      for (const value of valuesOf(row.fields[field])) lookup.get(value)?.delete(key);
  };

  const putRow = (row: Row) => {
    const before = rows.get(row.key);
    if (before && before.fields === row.fields) {
      // Only the memberships moved: keep the row's place in every set it stays in, so scans keep their order.
      const stays = new Set(row.audiences);
      for (const id of before.audiences) if (!stays.has(id)) members.get(id)?.delete(row.key);
    } else {
      removeRow(row.key);
      for (const [field, lookup] of lookups) indexRow(lookup, field, row);
    }
    rows.set(row.key, row);
    lastKey = Math.max(lastKey, row.key);
    for (const id of row.audiences) {
      const keys = members.get(id);
      if (keys) keys.add(row.key);
      else members.set(id, new Set([row.key]));
    }
  };

  return {
    audiences,
    rows,
    scans: new Map(),
    jobs: new Map(),
    audience: (idOrSlug) => audiences.get(idOrSlug) ?? audiences.get(slugs.get(idOrSlug) ?? ''),
    putAudience: (audience) => {
      const before = audiences.get(audience.id);
      if (before) slugs.delete(before.slug);
      audiences.set(audience.id, audience);
      slugs.set(audience.slug, audience.id);
    },
    removeAudience: (id) => {
      const audience = audiences.get(id);
      if (!audience) return;
      audiences.delete(id);
      slugs.delete(audience.slug);
      for (const key of [...(members.get(id) ?? nobody)]) {
        const row = rows.get(key);
        if (row) putRow({ ...row, audiences: row.audiences.filter((one) => one !== id) });
      }
      members.delete(id);
    },
    members: (audienceId) => members.get(audienceId) ?? nobody,
    putRow,
    removeRow,
    nextKey: () => lastKey + 1,
    find: (field, value) => {
      let lookup = lookups.get(field);
      if (!lookup) {
        lookup = new Map();
        for (const row of rows.values()) indexRow(lookup, field, row);
        lookups.set(field, lookup);
      }
      const found: Row[] = [];
      for (const key of lookup.get(value) ?? nobody) {
        const row = rows.get(key);
        if (row) found.push(row);
      }
      return found;
    },
  };
}

/** The audiences of a row that exist, in the row's order. */
export function audiencesOf(state: LyticsState, row: Row): Audience[] {
  const found: Audience[] = [];
  for (const id of row.audiences) {
    const audience = state.audiences.get(id);
    if (audience) found.push(audience);
  }
  return found;
}
