import type { Lytics, LyticsCallOptions } from '../lytics/client.ts';
import { type Catalogue, createCatalogue } from '../mapping/catalogue.ts';
import { CATALOGUE_AGE_FOR_UNKNOWN_MS, CATALOGUE_AGE_MS } from '../tuning.ts';

/** The audiences of each Lytics account, read again every minute. */
export interface Catalogues {
  /** @param names Names to look up; the list is read again when it lacks one. */
  read(lytics: Lytics, names: Iterable<string>, options?: LyticsCallOptions): Promise<Catalogue>;
}

export function createCatalogues(): Catalogues {
  const known = new WeakMap<Lytics, { readAt: number; catalogue: Catalogue }>();

  async function youngerThan(lytics: Lytics, ms: number, options?: LyticsCallOptions): Promise<Catalogue> {
    const before = known.get(lytics);
    if (before && Date.now() - before.readAt < ms) return before.catalogue;
    const catalogue = createCatalogue(await lytics.audiences(options));
    known.set(lytics, { catalogue, readAt: Date.now() });
    return catalogue;
  }

  return {
    async read(lytics, names, options) {
      const catalogue = await youngerThan(lytics, CATALOGUE_AGE_MS, options);
      if ([...names].every((name) => catalogue.find(name))) return catalogue;
      return youngerThan(lytics, CATALOGUE_AGE_FOR_UNKNOWN_MS, options);
    },
  };
}
