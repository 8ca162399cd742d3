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

/** The strings a field can be looked up by: numbers as their digits, lists by each element. */
export function valuesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  return [];
}

const nobody: ReadonlySet<number> = new Set();

/** Sets of row keys by the values of one field. */
type Lookup = Map<string, Set<number>>;

function addToLookup(lookup: Lookup, field: string, row: Row): void {
  for (const value of valuesOf(row.fields[field])) addTo(lookup, value, row.key);
}

function addTo(sets: Map<string, Set<number>>, name: string, key: number): void {
  const keys = sets.get(name);
  if (keys) keys.add(key);
  else sets.set(name, new Set([key]));
}

export class LyticsState {
  readonly audiences = new Map<string, Audience>();
  readonly rows = new Map<number, Row>();
  readonly scans = new Map<string, Scan>();
  readonly jobs = new Map<string, Job>();
  readonly #slugs = new Map<string, string>();
  readonly #members = new Map<string, Set<number>>();
  /** By field, made when the field is first asked for. */
  readonly #lookups = new Map<string, Lookup>();
  #lastKey = 0;

  /** By id, else by slug. */
  audience(idOrSlug: string): Audience | undefined {
    return this.audiences.get(idOrSlug) ?? this.audiences.get(this.#slugs.get(idOrSlug) ?? '');
  }

  putAudience(audience: Audience): void {
    const before = this.audiences.get(audience.id);
    if (before) this.#slugs.delete(before.slug);
    this.audiences.set(audience.id, audience);
    this.#slugs.set(audience.slug, audience.id);
  }

  removeAudience(id: string): void {
    const audience = this.audiences.get(id);
    if (!audience) return;
    this.audiences.delete(id);
    this.#slugs.delete(audience.slug);
    for (const key of [...this.members(id)]) {
      const row = this.rows.get(key);
      if (row) this.putRow({ ...row, audiences: row.audiences.filter((one) => one !== id) });
    }
    this.#members.delete(id);
  }

  members(audienceId: string): ReadonlySet<number> {
    return this.#members.get(audienceId) ?? nobody;
  }

  putRow(row: Row): void {
    const before = this.rows.get(row.key);
    if (before && before.fields === row.fields) {
      // Only the memberships moved: keep the row's place in every set it stays in, so that scans keep their order.
      const stays = new Set(row.audiences);
      for (const id of before.audiences) if (!stays.has(id)) this.#members.get(id)?.delete(row.key);
    } else {
      this.removeRow(row.key);
      for (const [field, lookup] of this.#lookups) addToLookup(lookup, field, row);
    }
    this.rows.set(row.key, row);
    this.#lastKey = Math.max(this.#lastKey, row.key);
    for (const id of row.audiences) addTo(this.#members, id, row.key);
  }

  removeRow(key: number): void {
    const row = this.rows.get(key);
    if (!row) return;
    this.rows.delete(key);
    for (const id of row.audiences) this.#members.get(id)?.delete(key);
    for (const [field, lookup] of this.#lookups)
      for (const value of valuesOf(row.fields[field])) lookup.get(value)?.delete(key);
  }

  nextKey(): number {
    return this.#lastKey + 1;
  }

  /** Rows whose field holds the value (one of them, where it is a list). */
  find(field: string, value: string): Row[] {
    const keys = this.#lookupOf(field).get(value) ?? nobody;
    return [...keys].flatMap((key) => this.rows.get(key) ?? []);
  }

  #lookupOf(field: string): Lookup {
    const known = this.#lookups.get(field);
    if (known) return known;
    const lookup: Lookup = new Map();
    for (const row of this.rows.values()) addToLookup(lookup, field, row);
    this.#lookups.set(field, lookup);
    return lookup;
  }
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
