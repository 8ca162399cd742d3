import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../settings.ts';
import { type Document, isEmpty, isRecord } from './documents.ts';
import { createLaggingIndex, type LaggingIndex } from './indexLag.ts';
import type { Select } from './query.ts';
import { declareNew, type Schema } from './schema.ts';

type Data = Readonly<Record<string, unknown>>;

/** Never changed in place: the index and open cursors keep what they saw. */
export type Account = {
  UID: string;
  isRegistered: boolean;
  isActive: boolean;
  isVerified: boolean;
  created: string;
  createdTimestamp: number;
  lastUpdated: string;
  lastUpdatedTimestamp: number;
  profile: Data;
  data: Data;
};

export type StoredObject = {
  UID: string;
  oid: string;
  /** Milliseconds. */
  created: number;
  lastUpdated: number;
  data: Data;
};

export type Store = {
  objects: Map<string, StoredObject>;
  index: LaggingIndex;
  schema: Schema;
};

export type Cursor = {
  /** The method that opened it; no other method can continue it. */
  of: 'accounts' | 'ds';
  documents: readonly Document[];
  select: Select;
  limit: number;
  usedAt: number;
};

export type UpdateBehavior = 'arrayPush' | 'arraySet' | 'replace';

export type GigyaState = {
  accounts: Map<string, Account>;
  /** Each account as the population or an admin call last set it: `verify` compares with it. */
  baseline: Map<string, Account>;
  index: LaggingIndex;
  dataSchema: Schema;
  profileSchema: Schema;
  stores: Map<string, Store>;
  cursors: Map<string, Cursor>;
};

/** `UID` and `oid` are a compound key. */
export const objectKey = (uid: string, oid: string) => JSON.stringify([uid, oid]);

function initialSchema({ gigya }: Settings): Schema {
  const declared = { lytics_segments: { type: 'string', writeAccess: 'serverOnly' } };
  return { fields: gigya.declaresField ? declared : {}, dynamicSchema: true };
}

export function createGigyaState(
  now: () => number,
  settings: () => Settings,
  beginning: Settings,
): GigyaState {
  return {
    accounts: new Map(),
    baseline: new Map(),
    index: createLaggingIndex(now, () => settings().gigya.indexLagMs, []),
    dataSchema: initialSchema(beginning),
    profileSchema: {
      fields: {
        email: { type: 'string', writeAccess: 'clientModify' },
        firstName: { type: 'string', writeAccess: 'clientModify' },
        lastName: { type: 'string', writeAccess: 'clientModify' },
        country: { type: 'string', writeAccess: 'clientModify' },
      },
      dynamicSchema: false,
    },
    stores: new Map(),
    cursors: new Map(),
  };
}

/** Creates a type on first use. */
export function storeOf(state: GigyaState, type: string, now: () => number, settings: () => Settings): Store {
  const known = state.stores.get(type);
  if (known) return known;
  const store: Store = {
    objects: new Map(),
    index: createLaggingIndex(now, () => settings().gigya.indexLagMs, ['UID', 'oid']),
    schema: initialSchema(settings()),
  };
  state.stores.set(type, store);
  return store;
}

/** Top-level fields merge, objects are replaced as a whole, null deletes. */
function mergeAccountData(before: Data, sent: Data, { arrays, emptyArrays }: Settings['gigya']): Data {
  const after: Record<string, unknown> = { ...before };
  for (const [field, value] of Object.entries(sent)) {
    const held = after[field];
    const next =
      arrays === 'append' && Array.isArray(value) && Array.isArray(held) ? [...held, ...value] : value;
    if (next === null || (emptyArrays === 'absent' && isEmpty(next))) delete after[field];
    else after[field] = next;
  }
  return after;
}

/** The account as a write leaves it. */
function writtenAccount(
  before: Account,
  settings: Settings,
  at: number,
  data: Data | undefined,
  profile: Data | undefined,
): Account {
  return {
    ...before,
    lastUpdated: new Date(at).toISOString(),
    lastUpdatedTimestamp: at,
    data: data ? mergeAccountData(before.data, data, settings.gigya) : before.data,
    profile: profile ? { ...before.profile, ...profile } : before.profile,
  };
}

const sameAccount = (a: Account, b: Account) => isDeepStrictEqual([a.data, a.profile], [b.data, b.profile]);

export function changesAccount(
  before: Account,
  settings: Settings,
  data: Data | undefined,
  profile: Data | undefined,
): boolean {
  return !sameAccount(before, writtenAccount(before, settings, 0, data, profile));
}

/** Returns whether anything is different now. */
export function writeAccount(
  state: GigyaState,
  settings: Settings,
  at: number,
  uid: string,
  data: Data | undefined,
  profile: Data | undefined,
): boolean {
  const before = state.accounts.get(uid);
  if (!before) return false;
  const after = writtenAccount(before, settings, at, data, profile);
  if (data) declareNew(state.dataSchema, data);
  state.accounts.set(uid, after);
  state.index.write(uid, after);
  return !sameAccount(before, after);
}

/** An account as the population or the admin side wants it, and what `verify` compares with unless told otherwise. */
export function putAccount(state: GigyaState, account: Account, keepBaseline = false): void {
  state.accounts.set(account.UID, account);
  if (!keepBaseline) state.baseline.set(account.UID, account);
  state.index.write(account.UID, account);
}

export function removeAccount(state: GigyaState, uid: string): void {
  state.accounts.delete(uid);
  state.baseline.delete(uid);
  state.index.write(uid, null);
}

function mergeObjectData(before: Data, sent: Data, behavior: UpdateBehavior): Data {
  if (behavior === 'replace') return sent;
  const after: Record<string, unknown> = { ...before };
  for (const [field, value] of Object.entries(sent)) {
    const held = after[field];
    if (value === null) delete after[field];
    else if (behavior === 'arrayPush' && Array.isArray(value) && Array.isArray(held))
      after[field] = [...held, ...value];
    else if (isRecord(value) && isRecord(held)) after[field] = mergeObjectData(held, value, behavior);
    else after[field] = value;
  }
  return after;
}

export type ObjectWrite = { uid: string; oid: string; data: Data; behavior: UpdateBehavior };

export function changesObject(store: Store, { uid, oid, data, behavior }: ObjectWrite): boolean {
  const before = store.objects.get(objectKey(uid, oid));
  return !before || !isDeepStrictEqual(before.data, mergeObjectData(before.data, data, behavior));
}

/** Returns whether anything is different now. */
export function writeObject(store: Store, at: number, write: ObjectWrite): boolean {
  const { uid, oid, data, behavior } = write;
  const key = objectKey(uid, oid);
  const before = store.objects.get(key);
  const changed = changesObject(store, write);
  const after: StoredObject = {
    UID: uid,
    oid,
    created: before?.created ?? at,
    lastUpdated: at,
    data: mergeObjectData(before?.data ?? {}, data, behavior),
  };
  declareNew(store.schema, data);
  store.objects.set(key, after);
  store.index.write(key, after);
  return changed;
}

export function removeObject(store: Store, uid: string, oid: string): boolean {
  const key = objectKey(uid, oid);
  const was = store.objects.delete(key);
  if (was) store.index.write(key, null);
  return was;
}
