import type { JobConfig } from '../job.ts';
import type { Audience, Row } from '../lytics/client.ts';
import { type Catalogue, EVERYBODY, labelOf } from './catalogue.ts';

export type Choice = Pick<JobConfig, 'audience_format' | 'audiences'>;

/**
 * The audiences that a row or profile names, as Lytics writes them; undefined when it has none, so that the
 * profile has to be looked up.
 */
export function audiencesIn(row: Row, { audiences }: Pick<Choice, 'audiences'>): string[] | undefined {
  // `segments` names those open to Lytics' API, `segments_all` has the ids of all.
  const names = audiences === 'all' ? row['segments_all'] : row['segments'];
  if (!Array.isArray(names) || names.includes('not_found')) return undefined;
  return names.filter((name) => typeof name === 'string');
}

/** Whether a membership has an audience, under any of its names. */
export function includesAudience(names: readonly string[], audience: Audience): boolean {
  const aliases = [audience.id, audience.slug_name, audience.name, audience.public_name];
  return names.some((name) => aliases.includes(name));
}

export interface Membership {
  /** Labels, as Gigya holds them: sorted, without duplicates. */
  labels: string[];
  /** Names that are not in the list of audiences. */
  unlisted: string[];
}

/** Maps audiences to the job's labels. Omits those not open to the API if the job exports public ones only. */
export function membershipOf(names: readonly string[], catalogue: Catalogue, choice: Choice): Membership {
  const labels = new Set<string>();
  const unlisted: string[] = [];
  for (const name of names) {
    const audience = catalogue.find(name);
    if (!audience && name !== EVERYBODY) unlisted.push(name);
    if (!audience) continue;
    if (choice.audiences === 'all' || audience.is_public) labels.add(labelOf(audience, choice));
  }
  return { labels: [...labels].sort(), unlisted };
}
