import { applyEvent, createState, type State } from './apply.ts';
import type { Event } from './events.ts';
import type { Faults } from './faults.ts';
import { type Authenticate, createAuthenticate } from './gigya/auth.ts';
import { createPlaces, createQuota, type Places } from './gigya/quota.ts';
import type { GigyaState, Store } from './gigya/state.ts';
import type { Journal } from './journal.ts';
import { createKeys, type Keys } from './keys.ts';
import type { LyticsState } from './lytics/state.ts';
import { addOdd, oddKinds } from './population/odd.ts';
import type { PopulationOptions } from './population/options.ts';
import { populate } from './population/populate.ts';
import { createRandom, type Random } from './random.ts';
import { type Settings, settingsSchema } from './settings.ts';
import { openStateFile, type StateFile } from './stateFile.ts';
import type { Stats } from './stats.ts';

export type World = {
  keys: Keys;
  population: PopulationOptions;
  settings(): Settings;
  /** Milliseconds; while the events of the previous process are applied again, the time of the event. */
  now(): number;
  lytics: LyticsState;
  gigya: GigyaState;
  store(type: string): Store;
  journal: Journal;
  stats: Stats;
  faults: Faults;
  authenticate: Authenticate;
  quota: ReturnType<typeof createQuota>;
  places: Places;
  /** The only way to change anything: applied now, and kept for the next process. */
  commit(event: Event): void;
  /** Before a write is answered. */
  flush(): void;
  /** For ids that need not be reproducible. */
  random: Random;
  close(): void;
};

type Header = { version: 1; population: PopulationOptions; odd: number; settings: Settings; keys: Keys };

export type WorldOptions = {
  population: PopulationOptions;
  settings: Settings;
  /** Rows of each odd kind in `vip` from the start. */
  odd?: number | undefined;
  /** Holds the state of the previous process, or will hold this one's. */
  stateFile?: string | undefined;
};

export function createWorld(options: WorldOptions): World {
  const file: StateFile<Header, Event> | undefined =
    options.stateFile === undefined ? undefined : openStateFile(options.stateFile);
  const header: Header = file?.header ?? {
    version: 1,
    population: options.population,
    odd: options.odd ?? 0,
    settings: options.settings,
    keys: createKeys(options.population.seed),
  };
  if (header.version !== 1) throw new Error(`${options.stateFile} is not a state file of this sandbox`);

  const { population, keys } = header;
  /** The time of the event that is being applied: the same now as when it is applied again. */
  let pinned: number | undefined;
  const now = () => pinned ?? Date.now();
  const state = createState(population, settingsSchema.parse(header.settings), now);
  const applyAt = (event: Event, at: number) => {
    pinned = at;
    try {
      applyEvent(state, event, at);
    } finally {
      pinned = undefined;
    }
  };

  begin(state, header.odd);
  if (file) {
    if (!file.header) file.begin(header);
    for (const [at, event] of file.past) applyAt(event, at);
  }

  const { lytics, gigya, store, journal, stats, faults } = state;
  return {
    keys,
    population,
    settings: () => state.settings,
    now,
    lytics,
    gigya,
    store,
    journal,
    stats,
    faults,
    authenticate: createAuthenticate(keys),
    quota: createQuota(),
    places: createPlaces(),
    commit: (event) => {
      const at = Date.now();
      // Before it is stored: an event that cannot be applied must not be read again at the next start.
      applyAt(event, at);
      file?.append(at, event);
    },
    flush: () => file?.flush(),
    random: createRandom(Date.now()),
    close: () => file?.close(),
  };
}

/** The population as it is before anything happens. */
function begin({ lytics, gigya, population, fate }: State, odd: number): void {
  populate(lytics, gigya, population);
  const vip = lytics.audience('vip');
  if (!vip || odd === 0) return;
  const { idField } = population;
  addOdd(lytics, gigya, fate, 0, { audience: vip.id, count: odd, kinds: oddKinds, idField });
}
