import type { JobConfig } from '../job.ts';
import type { Audience, Row } from './client.ts';

/** The audience of all users: in an answer it may stand without being listed, and nobody misses it. */
const EVERYBODY = 'all';

type Choice = Pick<JobConfig, 'audience_format' | 'audiences'>;

/** The audiences of an account, found by any of their three names. */
export interface Catalogue {
  find(name: string): Audience | undefined;
}

export function createCatalogue(audiences: readonly Audience[]): Catalogue {
  // Ids are unique, slugs too; a display name may equal another audience's slug, which then has the say.
  const names = new Map<string, Audience>();
  for (const audience of audiences) if (audience.name !== undefined) names.set(audience.name, audience);
  for (const audience of audiences) names.set(audience.slug_name, audience);
  for (const audience of audiences) names.set(audience.id, audience);
  return { find: (name) => names.get(name) };
}

/** What an audience is called in Gigya. */
export function labelOf(audience: Audience, { audience_format }: Pick<JobConfig, 'audience_format'>): string {
  if (audience_format === 'id') return audience.id;
  return audience_format === 'name' ? (audience.name ?? audience.slug_name) : audience.slug_name;
}

/**
 * The names of the audiences in a scan's row or a profile, as Lytics gives them;
 * undefined when the row does not tell, so that the profile has to be asked for.
 */
export function audiencesIn(row: Row, { audiences }: Choice): string[] | undefined {
  // `segments` names those open to Lytics' API, `segments_all` holds the ids of all.
  const names = audiences === 'all' ? row['segments_all'] : row['segments'];
  if (!Array.isArray(names) || names.includes('not_found')) return undefined;
  return names.filter((name) => typeof name === 'string');
}

export interface Membership {
  /** In Gigya's words, sorted, each once. */
  labels: string[];
  /** Names that the list of audiences does not hold. */
  unlisted: string[];
}

/** Puts audiences into the words that the job chose, and leaves out those not open to the API if it says so. */
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

export interface Uids {
  uids: string[];
  /** IDs that cannot be told apart any more: numbers beyond 2^53 lost digits on the way, halves of characters a half. */
  imprecise: number;
}

/** The Gigya UIDs in a row's ID field: none, one, or several. Numbers may come as numbers or as texts. */
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
