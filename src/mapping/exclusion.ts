import type { Row } from '../lytics/client.ts';
import type { Catalogue } from './catalogue.ts';

/**
 * Every audience that a row or profile names, open to Lytics' API or not: exclusion looks at all of them,
 * whatever the job exports.
 */
export function allAudiencesIn(row: Row): string[] {
  return [row['segments'], row['segments_all']].flatMap((names) =>
    Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
  );
}

/** @param ids The audiences that the job excludes. */
export function createExclusion(
  ids: readonly string[],
  catalogue: Catalogue,
): (memberOf: readonly string[]) => boolean {
  const excluded = new Set(ids);
  if (excluded.size === 0) return () => false;
  return (memberOf) => memberOf.some((name) => excluded.has(catalogue.find(name)?.id ?? name));
}
