import type { JobConfig } from '../job.ts';
import type { Audience } from '../lytics/client.ts';

/** The audience of all users: it may appear in a membership without being listed. */
export const EVERYBODY = 'all';

/** The audiences of an account, by any of their names. */
export interface Catalogue {
  find(name: string): Audience | undefined;
  /** With this audience, which wins where another has the same name. */
  preferring(audience: Audience): Catalogue;
}

export function createCatalogue(audiences: readonly Audience[]): Catalogue {
  const names = new Map<string, Audience>();
  // In this order, so that of two equal names the more certain one wins: ids and slugs are unique.
  for (const kind of ['public_name', 'name', 'slug_name', 'id'] as const) {
    for (const audience of audiences) if (audience[kind]) names.set(audience[kind], audience);
  }
  return {
    find: (name) => names.get(name),
    preferring: (audience) =>
      createCatalogue([...audiences.filter(({ id }) => id !== audience.id), audience]),
  };
}

/** The label of an audience in Gigya. */
export function labelOf(audience: Audience, { audience_format }: Pick<JobConfig, 'audience_format'>): string {
  if (audience_format === 'id') return audience.id;
  return audience_format === 'name' ? (audience.name ?? audience.slug_name) : audience.slug_name;
}
