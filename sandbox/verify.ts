import { isDeepStrictEqual } from 'node:util';
import { isEmpty, isRecord, read } from './gigya/documents.ts';
import { fullAccount, isLite } from './gigya/lite.ts';
import type { Account } from './gigya/state.ts';
import { exported, type Options, truth } from './truth.ts';
import type { World } from './world.ts';

export type VerifyOptions = Options & {
  storage: 'account' | 'data_store';
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
  /** How many UIDs carry the audience, members or not. */
  carriers: number;
  /** Not (or no longer) in the audience, and still carrying it. */
  extra: string[];
  /** Not in the audience and carrying a list that is not their present membership. */
  stale: string[];
  /** Accounts whose other fields are not what they were. */
  damaged: string[];
  /** Data Store objects of UIDs that have no full account. */
  orphans: string[];
  /** Whether nothing at all is wrong, `stale` aside. */
  ok: boolean;
};

/** What every UID holds in the field, in the state itself: what searches do not see yet counts too. */
function heldByUid(world: World, options: VerifyOptions): Map<string, unknown> {
  const held = new Map<string, unknown>();
  if (options.storage === 'account') {
    const { liteShare } = world.settings().gigya;
    for (const { UID, data } of world.gigya.accounts.values())
      if (!isLite(UID, liteShare)) held.set(UID, read(data, options.field));
    return held;
  }
  for (const { UID, oid, data } of world.store(options.type).objects.values()) {
    if (options.oid !== undefined && oid !== options.oid) continue;
    const [value, before] = [read(data, options.field), held.get(UID)];
    // Several objects of one UID are shown as one list of all their values, so a repeated value is wrong.
    held.set(UID, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
  }
  return held;
}

function equal(held: unknown, expected: ReadonlySet<string>): boolean {
  if (isEmpty(held)) return expected.size === 0;
  if (!Array.isArray(held) || held.length !== expected.size) return false;
  const set = new Set<unknown>(held);
  return set.size === held.length && [...expected].every((one) => set.has(one));
}

export function verify(world: World, options: VerifyOptions): Verdict {
  const { audience, expected, strangers } = truth(world, options);
  const held = heldByUid(world, options);
  const label = audience[options.format];
  const carries = (value: unknown) => (Array.isArray(value) ? value.includes(label) : !isEmpty(value));

  const [missing, different]: [string[], Difference[]] = [[], []];
  for (const [uid, should] of Object.entries(expected)) {
    const value = held.get(uid);
    if (equal(value, new Set(should))) continue;
    if (isEmpty(value)) missing.push(uid);
    else different.push({ uid, expected: should, held: value });
  }
  const members = new Set([...Object.keys(expected), ...strangers]);
  const outside = [...held].filter(([uid, value]) => !members.has(uid) && !isEmpty(value));
  const extra = outside.filter(([, value]) => carries(value)).map(([uid]) => uid);
  const isPresent = ([uid, value]: [string, unknown]) =>
    equal(value, exported(world, world.lytics.find(world.population.idField, uid), options));
  const stale = outside.filter((one) => !isPresent(one)).map(([uid]) => uid);
  const damaged = damagedAccounts(world, options.storage === 'account' ? options.field : undefined);
  const orphans = [...held.keys()].filter((uid) => !fullAccount(world, uid));
  const wrong = [missing, different, extra, damaged, orphans].some((list) => list.length > 0);
  const total = Object.keys(expected).length;
  return {
    expected: total,
    exact: total - missing.length - different.length,
    missing,
    different,
    carriers: [...held.values()].filter(carries).length,
    extra,
    stale,
    damaged,
    orphans,
    ok: !wrong,
  };
}

/** `field` is the one field that may be different from before. */
function damagedAccounts(world: World, field: string | undefined): string[] {
  const rest = ({ profile, data }: Account) => [profile, field === undefined ? data : without(data, field)];
  const damaged: string[] = [];
  for (const account of world.gigya.accounts.values()) {
    const before = world.gigya.baseline.get(account.UID);
    if (!before || before === account || isDeepStrictEqual(rest(before), rest(account))) continue;
    damaged.push(account.UID);
  }
  return damaged;
}

/** A copy without the field of that path, for comparing all the rest. */
function without(data: Readonly<Record<string, unknown>>, path: string): Record<string, unknown> {
  const [first = path, ...rest] = path.split('.');
  const { [first]: inner, ...others } = data;
  return rest.length > 0 && isRecord(inner) ? { ...others, [first]: without(inner, rest.join('.')) } : others;
}

/** What an account and its Data Store objects hold now. */
export function held(world: World, uid: string) {
  const objects = [...world.gigya.stores].flatMap(([type, { objects: all }]) =>
    [...all.values()].filter(({ UID }) => UID === uid).map((object) => ({ type, ...object })),
  );
  return { uid, account: world.gigya.accounts.get(uid) ?? null, objects };
}
