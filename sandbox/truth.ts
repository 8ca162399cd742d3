import { isDeepStrictEqual } from 'node:util';
import { isEmpty, isRecord, read } from './gigya/documents.ts';
import { fullAccount, isLite } from './gigya/lite.ts';
import type { Account } from './gigya/state.ts';
import { audiencesOf, valuesOf } from './lytics/state.ts';
import type { World } from './world.ts';

export type Format = 'slug' | 'id' | 'name';
export type Which = 'public' | 'all';

export type Truth = {
  audience: { id: string; slug: string; name: string; isPublic: boolean };
  /** What each member with a Gigya account should carry. */
  expected: Record<string, string[]>;
  /** Member UIDs without an account. */
  strangers: string[];
  /** Rows of the audience. */
  rows: number;
  /** Rows without any usable ID. */
  withoutId: number;
};

export type Options = { audience: string; format: Format; which: Which };

export class UnknownAudience extends Error {
  override name = 'UnknownAudience';
}

/** A UID that stands on several member rows should carry the audiences of them all. */
export function truth(world: World, { audience: wanted, format, which }: Options): Truth {
  const { lytics, population } = world;
  const audience = lytics.audience(wanted);
  if (!audience) throw new UnknownAudience(`no audience ${wanted}`);
  const byUid = new Map<string, Set<string>>();
  let withoutId = 0;
  for (const key of lytics.members(audience.id)) {
    const row = lytics.rows.get(key);
    if (!row) continue;
    const uids = valuesOf(row.fields[population.idField]);
    if (uids.length === 0) withoutId++;
    const own = audiencesOf(lytics, row).filter(({ isPublic }) => which === 'all' || isPublic);
    for (const uid of uids) {
      const all = byUid.get(uid) ?? new Set();
      for (const one of own) all.add(one[format]);
      byUid.set(uid, all);
    }
  }
  const expected: Record<string, string[]> = {};
  const strangers: string[] = [];
  for (const [uid, all] of byUid) {
    if (fullAccount(world, uid)) expected[uid] = [...all].sort();
    else strangers.push(uid);
  }
  const { id, slug, name, isPublic } = audience;
  return {
    audience: { id, slug, name, isPublic },
    expected,
    strangers,
    rows: lytics.members(audience.id).size,
    withoutId,
  };
}

export type Storage = 'account' | 'data_store';

export type VerifyOptions = Options & {
  storage: Storage;
  field: string;
  /** Data Store type. */
  type: string;
  /** Data Store oid; undefined takes any object of the UID. */
  oid?: string | undefined;
};

export type Difference = { uid: string; expected: string[]; held: unknown };

export type Verdict = {
  expected: number;
  /** How many carry just what they should. */
  exact: number;
  /** Nothing (or an empty list) where something should be. */
  missing: string[];
  /** Something else than what should be; a value twice in the list is something else. */
  different: Difference[];
  /** Not (or no longer) in the audience, and still carrying it. */
  extra: string[];
  /** Not in the audience and carrying a list that is not their present membership (kept values do so, rightly). */
  stale: string[];
  /** Accounts whose other fields are not what they were. */
  damaged: string[];
  /** Data Store objects of UIDs that have no account. */
  orphans: string[];
  /** Whether nothing at all is wrong, `stale` aside. */
  ok: boolean;
};

function equal(held: unknown, expected: readonly string[]): boolean {
  if (held === undefined || held === null) return expected.length === 0;
  if (!Array.isArray(held) || held.length !== expected.length) return false;
  const set = new Set<unknown>(held);
  return set.size === held.length && expected.every((one) => set.has(one));
}

export function verify(world: World, options: VerifyOptions): Verdict {
  const { gigya, lytics, population } = world;
  const { audience, expected } = truth(world, options);
  const store = options.storage === 'data_store' ? world.store(options.type) : undefined;

  const byUid = new Map<string, unknown>();
  const orphans = new Set<string>();
  if (store) {
    for (const object of store.objects.values()) {
      if (options.oid !== undefined && object.oid !== options.oid) continue;
      const value = read(object.data, options.field);
      const before = byUid.get(object.UID);
      // Several objects of one UID show as one list with everything in it: twice is wrong.
      byUid.set(object.UID, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
      if (!fullAccount(world, object.UID)) orphans.add(object.UID);
    }
  }
  const heldBy = ({ UID, data }: Account) => (store ? byUid.get(UID) : read(data, options.field));

  const verdict: Verdict = {
    expected: 0,
    exact: 0,
    missing: [],
    different: [],
    extra: [],
    stale: [],
    damaged: [],
    orphans: [...orphans],
    ok: false,
  };
  const mark = audience[options.format];
  for (const account of gigya.accounts.values()) {
    const uid = account.UID;
    if (isLite(uid, world.settings().gigya.liteShare)) continue;
    const held = heldBy(account);
    if (touched(account, gigya.baseline.get(uid), store ? undefined : options.field))
      verdict.damaged.push(uid);
    const should = Object.hasOwn(expected, uid) ? expected[uid] : undefined;
    if (should) {
      verdict.expected++;
      if (equal(held, should)) verdict.exact++;
      else if (isEmpty(held)) verdict.missing.push(uid);
      else verdict.different.push({ uid, expected: should, held });
      continue;
    }
    if (isEmpty(held)) continue;
    if (!Array.isArray(held) || held.includes(mark)) verdict.extra.push(uid);
    const now = lytics
      .find(population.idField, uid)
      .flatMap((row) => audiencesOf(lytics, row))
      .filter(({ isPublic }) => options.which === 'all' || isPublic)
      .map((one) => one[options.format]);
    if (!equal(held, [...new Set(now)])) verdict.stale.push(uid);
  }
  const { missing, different, extra, damaged } = verdict;
  verdict.ok = [missing, different, extra, damaged, verdict.orphans].every((list) => list.length === 0);
  return verdict;
}

/** A copy without the field of that path, for comparing all the rest. */
function without(data: Readonly<Record<string, unknown>>, path: string): Record<string, unknown> {
  const [first = path, ...rest] = path.split('.');
  const { [first]: inner, ...others } = data;
  return rest.length > 0 && isRecord(inner) ? { ...others, [first]: without(inner, rest.join('.')) } : others;
}

/** `field` is the one field that may be different from before. */
function touched(account: Account, before: Account | undefined, field: string | undefined): boolean {
  if (!before || before === account) return false;
  const rest = ({ data }: Account) => (field === undefined ? data : without(data, field));
  return !isDeepStrictEqual([before.profile, rest(before)], [account.profile, rest(account)]);
}

/** What an account and its Data Store objects hold now. */
export function held(world: World, uid: string) {
  const objects = [...world.gigya.stores].flatMap(([type, { objects: all }]) =>
    [...all.values()].filter(({ UID }) => UID === uid).map((object) => ({ type, ...object })),
  );
  return { uid, account: world.gigya.accounts.get(uid) ?? null, objects };
}
