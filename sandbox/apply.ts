import type { ControlEvent, Event, GigyaEvent, LyticsEvent, PopulationChange } from './events.ts';
import { createFaults, type Faults } from './faults.ts';
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
import { openScan } from './lytics/scan.ts';
import { LyticsState } from './lytics/state.ts';
import { change, enter, leave, remove } from './population/changes.ts';
import { addOdd } from './population/odd.ts';
import type { PopulationOptions } from './population/options.ts';
import { createRandom, type Random } from './random.ts';
import { patchSettings, type Settings } from './settings.ts';
import { createStats, type Stats } from './stats.ts';

/** All that events change. */
export type State = {
  population: PopulationOptions;
  settings: Settings;
  lytics: LyticsState;
  gigya: GigyaState;
  store(type: string): Store;
  journal: Journal;
  stats: Stats;
  faults: Faults;
  /** A stream of its own, so that the same calls to the admin side change the same users. */
  fate: Random;
};

export function createState(population: PopulationOptions, settings: Settings, now: () => number): State {
  const gigya = createGigyaState(now, () => state.settings, settings);
  const state: State = {
    population,
    settings,
    lytics: new LyticsState(),
    gigya,
    store: (type) => storeOf(gigya, type, now, () => state.settings),
    journal: createJournal(),
    stats: createStats(),
    faults: createFaults(population.seed),
    fate: createRandom(population.seed ^ 0xfa7e),
  };
  return state;
}

export function applyEvent(state: State, event: Event, at: number): void {
  switch (event.type) {
    case 'settings':
    case 'faults.add':
    case 'faults.clear':
    case 'fault':
    case 'refused':
    case 'journal.clear':
    case 'stats.clear':
    case 'counted':
      applyControl(state, event, at);
      break;
    case 'account.write':
    case 'account.put':
    case 'account.remove':
    case 'object.write':
    case 'object.remove':
    case 'schema':
    case 'cursor.open':
    case 'cursor.used':
      applyGigya(state, event, at);
      break;
    default:
      applyLytics(state, event, at);
      break;
  }
}

function applyControl(state: State, event: ControlEvent, at: number): void {
  const { faults, journal, stats } = state;
  switch (event.type) {
    case 'settings':
      state.settings = patchSettings(state.settings, event.patch);
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
    case 'refused':
      journal.add({ ...event.draft, applied: false, changed: false }, at);
      break;
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
}

function applyGigya(state: State, event: GigyaEvent, at: number): void {
  const { gigya, settings, journal } = state;
  const applied = (changed: boolean) => {
    if ('draft' in event && event.draft) journal.add({ ...event.draft, applied: true, changed }, at);
  };
  switch (event.type) {
    case 'account.write':
      applied(writeAccount(gigya, settings, at, event.uid, event.data, event.profile));
      break;
    case 'account.put':
      putAccount(gigya, event.account, event.keepBaseline);
      break;
    case 'account.remove':
      removeAccount(gigya, event.uid);
      break;
    case 'object.write':
      applied(writeObject(state.store(event.store), at, event));
      break;
    case 'object.remove':
      applied(removeObject(state.store(event.store), event.uid, event.oid));
      break;
    case 'schema':
      if (event.of === 'data') gigya.dataSchema = event.schema;
      else if (event.of === 'profile') gigya.profileSchema = event.schema;
      else state.store(event.of.store).schema = event.schema;
      applied(true);
      break;
    case 'cursor.open': {
      state.stats.opened('cursor');
      const store = event.store === null ? undefined : state.store(event.store);
      openCursor(gigya, { ...event, store }, settings.gigya, at);
      break;
    }
    case 'cursor.used': {
      const cursor = gigya.cursors.get(event.id);
      if (cursor) cursor.usedAt = at;
      break;
    }
  }
}

function applyLytics(state: State, event: LyticsEvent, at: number): void {
  const { lytics, stats } = state;
  switch (event.type) {
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
    case 'population':
      applyPopulation(state, event.change, at);
      break;
    case 'scan.open':
      stats.opened('scan');
      openScan(lytics, event.id, event.scan, state.settings, at);
      break;
    case 'scan.used': {
      stats.opened('page');
      const scan = lytics.scans.get(event.id);
      if (!scan) return;
      scan.position = event.position;
      scan.usedAt = at;
      break;
    }
  }
}

function applyPopulation(state: State, wanted: PopulationChange, at: number): void {
  const { lytics, gigya, fate, population } = state;
  const { idField } = population;
  switch (wanted.action) {
    case 'enter':
      enter(lytics, gigya, fate, at, { ...wanted, idField });
      break;
    case 'leave':
      leave(lytics, fate, wanted);
      break;
    case 'remove':
      remove(lytics, fate, { ...wanted, idField });
      break;
    case 'change':
      change(lytics, fate, wanted);
      break;
    case 'odd':
      addOdd(lytics, gigya, fate, at, { ...wanted, idField });
      break;
  }
}
