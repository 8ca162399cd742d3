import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import * as accounts from './accounts.ts';
import * as dataStore from './dataStore.ts';
import type { Parameters } from './parameters.ts';
import { search } from './search.ts';

export type Method = {
  /** By its present name; `ids.setAccountInfo` is `accounts.setAccountInfo`. */
  name: string;
  kind: 'call' | 'search';
  writes: boolean;
  /** Whether it answers without credentials. */
  anonymous: boolean;
  run(world: World, parameters: Parameters, draft: WriteDraft): Record<string, unknown>;
};

type Run = Method['run'];
const reading = (run: Run) => ({ kind: 'call', writes: false, anonymous: false, run }) as const;
const writing = (run: Run) => ({ kind: 'call', writes: true, anonymous: false, run }) as const;
const searching = (run: Run) => ({ kind: 'search', writes: false, anonymous: false, run }) as const;
const schema = (run: Run) => ({ kind: 'call', writes: false, anonymous: true, run }) as const;

const methods: Record<string, Omit<Method, 'name'>> = {
  'accounts.getAccountInfo': reading(accounts.getAccountInfo),
  'accounts.setAccountInfo': writing(accounts.setAccountInfo),
  'accounts.getSchema': schema(accounts.getSchema),
  'accounts.setSchema': writing(accounts.setSchema),
  'accounts.search': searching((world, parameters) => search(world, parameters, 'accounts')),
  'ds.get': reading(dataStore.get),
  'ds.store': writing(dataStore.store),
  'ds.delete': writing(dataStore.remove),
  'ds.getSchema': schema(dataStore.getSchema),
  'ds.setSchema': writing(dataStore.setSchema),
  'ds.search': searching((world, parameters) => search(world, parameters, 'ds')),
};

/** `ids.*` is the older name of `accounts.*`. */
export function methodOf(called: string): Method | undefined {
  const name = called.replace(/^ids\./, 'accounts.');
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && { name, ...method };
}

export const kindOf = (called: string): string => methodOf(called)?.kind ?? 'unknown';
