import type { Event } from './events.ts';
import { createFaults, type Faults } from './faults.ts';
import { type Authenticate, createAuthenticate } from './gigya/auth.ts';
import { createPlaces, createQuota, type Places } from './gigya/quota.ts';
import { openCursor } from './gigya/search.ts';
import {
  createGigyaState,
  type GigyaState,
  putAccount,
  removeAccount,
  removeObject,
  type Store,
  storeOf,
  writeAccount,
  writeObject,
} from './gigya/state.ts';
import { createJournal, type Journal } from './journal.ts';
import { createKeys, type Keys } from './keys.ts';
import { openScan } from './lytics/scan.ts';
import { createLyticsState, type LyticsState } from './lytics/state.ts';
import { addOdd, change, enter, leave, oddKinds, type PopulationOptions, populate } from './population.ts';
import { createRandom, type Random } from './random.ts';
import { patchSettings, type Settings, settingsSchema } from './settings.ts';
import { openStateFile, type StateFile } from './stateFile.ts';
import { createStats, type Stats } from './stats.ts';

export type World = {
  keys: Keys;
  population: PopulationOptions;
  settings(): Settings;
  /** Milliseconds; while a former process's events are applied again, the time they happened at. */
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
  /** The one way to change anything: applied now, and kept for the next process. */
  commit(event: Event): void;
  /** Before a write is answered. */
  flush(): void;
  /** For ids that need not be the same again. */
  random: Random;
  close(): void;
};

type Header = { version: 1; population: PopulationOptions; odd: number; settings: Settings; keys: Keys };

export type WorldOptions = {
  population: PopulationOptions;
  settings: Settings;
  /** Rows of each odd kind in `vip` from the start. */
  odd?: number | undefined;
  /** Where a former process left its state, or this one shall. */
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
  // Settings that the process of the state file did not know have their defaults.
  let settings = settingsSchema.parse(header.settings);
  /** The one moment an event happens at, the same now and when it is applied again. */
  let pinned: number | undefined;
  const now = () => pinned ?? Date.now();

  const lytics = createLyticsState();
  const gigya = createGigyaState(now, () => settings);
  const store = (type: string) => storeOf(gigya, type, now, () => settings);
  const journal = createJournal();
  const stats = createStats();
  const faults = createFaults(population.seed);
  // A stream of its own, so that the same calls to the admin side change the same users.
  const fate = createRandom(population.seed ^ 0xfa7e);

  const apply = (event: Event): void => {
    switch (event.type) {
      case 'settings':
        settings = patchSettings(settings, event.patch);
        break;
      case 'faults.add':
        faults.add(event.rules);
        break;
      case 'faults.clear':
        faults.clear();
        break;
      case 'fault':
        faults.count(event.rule, event.fired);
        break;
      case 'account.write': {
        const changed = writeAccount(gigya, settings, now(), event.uid, event.data, event.profile);
        journal.add({ ...event.draft, applied: true, changed }, now());
        break;
      }
      case 'account.put':
        putAccount(gigya, event.account);
        break;
      case 'account.remove':
        removeAccount(gigya, event.uid);
        break;
      case 'object.write': {
        const changed = writeObject(store(event.store), now(), event);
        journal.add({ ...event.draft, applied: true, changed }, now());
        break;
      }
      case 'object.remove': {
        const changed = removeObject(store(event.store), event.uid, event.oid);
        if (event.draft) journal.add({ ...event.draft, applied: true, changed }, now());
        break;
      }
      case 'schema':
        if (event.of === 'data') gigya.dataSchema = event.schema;
        else if (event.of === 'profile') gigya.profileSchema = event.schema;
        else store(event.of.store).schema = event.schema;
        if (event.draft) journal.add({ ...event.draft, applied: true, changed: true }, now());
        break;
      case 'refused':
        journal.add({ ...event.draft, applied: false, changed: false }, now());
        break;
      case 'cursor.open':
        stats.opened('cursor');
        openCursor(
          gigya,
          { ...event, store: event.store === null ? undefined : store(event.store) },
          settings.gigya,
          now(),
        );
        break;
      case 'cursor.used': {
        const cursor = gigya.cursors.get(event.id);
        if (cursor) cursor.usedAt = now();
        break;
      }
      case 'row.put':
        lytics.putRow(event.row);
        break;
      case 'row.remove':
        lytics.removeRow(event.key);
        break;
      case 'audience.put':
        lytics.putAudience(event.audience);
        break;
      case 'audience.remove':
        lytics.removeAudience(event.id);
        break;
      case 'job.put':
        lytics.jobs.set(event.job.id, event.job);
        break;
      case 'population': {
        const { change: what } = event;
        const { idField } = population;
        if ('kinds' in what) addOdd(lytics, gigya, fate, now(), { ...what, kinds: what.kinds, idField });
        else if (what.action === 'enter') enter(lytics, gigya, fate, now(), { ...what, idField });
        else if (what.action === 'leave') leave(lytics, fate, what);
        else change(lytics, fate, what);
        break;
      }
      case 'scan.open':
        stats.opened('scan');
        openScan(lytics, event.id, event.scan, settings, now());
        break;
      case 'scan.used': {
        stats.opened('page');
        const scan = lytics.scans.get(event.id);
        if (!scan) break;
        scan.position = event.position;
        scan.usedAt = now();
        break;
      }
      case 'journal.clear':
        journal.clear();
        break;
      case 'stats.clear':
        stats.clear();
        break;
      case 'counted':
        stats.count(event.method, event.outcome);
        break;
    }
  };

  populate(lytics, gigya, population);
  const vip = lytics.audience('vip');
  if (vip && header.odd > 0) {
    const { idField } = population;
    addOdd(lytics, gigya, fate, 0, { audience: vip.id, count: header.odd, kinds: oddKinds, idField });
  }
  if (file) {
    if (!file.header) file.begin(header);
    for (const [at, event] of file.past) {
      pinned = at;
      apply(event);
    }
    pinned = undefined;
  }

  return {
    keys,
    population,
    settings: () => settings,
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
      pinned = at;
      try {
        // Before it is kept: an event that cannot be applied must not be met again at the next start.
        apply(event);
      } finally {
        pinned = undefined;
      }
      file?.append(at, event);
    },
    flush: () => file?.flush(),
    random: createRandom(Date.now()),
    close: () => file?.close(),
  };
}
