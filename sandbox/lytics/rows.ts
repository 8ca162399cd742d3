import type { World } from '../world.ts';
import { audiencesOf, type Row } from './state.ts';

export function shuffled<T>(world: World, list: T[]): T[] {
  return world.settings().lytics.shuffleSegments ? world.random.sample(list, list.length) : list;
}

/** The audiences of a user that are open to the API, as `segments` shows them. */
export function publicSegments(
  world: World,
  rows: readonly Row[],
  without: readonly string[] = [],
): string[] {
  const { segmentsAs } = world.settings().lytics;
  const open = rows
    .flatMap((row) => audiencesOf(world.lytics, row))
    .filter(({ id, isPublic }) => isPublic && !without.includes(id));
  return shuffled(world, [...new Set(open.map(({ slug, name }) => (segmentsAs === 'slug' ? slug : name)))]);
}

/** Undefined where the row comes without `segments`. */
function segmentsOf(world: World, row: Row, scanned: readonly string[]): string[] | undefined {
  switch (world.settings().lytics.rowSegments) {
    case 'all':
      return publicSegments(world, [row]);
    case 'some':
      return row.key % 2 === 0 ? publicSegments(world, [row]) : undefined;
    case 'none':
      return undefined;
    case 'empty':
      return [];
    case 'without_scanned':
      return publicSegments(world, [row], scanned);
  }
}

/** `scanned`: ids of the audiences that the scan is of. */
export function renderRow(
  world: World,
  row: Row,
  fields: readonly string[] | null,
  scanned: readonly string[],
): Record<string, unknown> {
  const rendered = fieldsOf(row, fields);
  const asked = fields?.includes('segments') ?? true;
  const segments =
    asked || !world.settings().lytics.fieldsDropSegments ? segmentsOf(world, row, scanned) : undefined;
  return segments ? { ...rendered, segments } : rendered;
}

export function fieldsOf(row: Row, fields: readonly string[] | null): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row.fields).filter(([name]) => fields?.includes(name) ?? true));
}
