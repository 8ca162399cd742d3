import { type GigyaState, putAccount } from '../gigya/state.ts';
import { type LyticsState, valuesOf } from '../lytics/state.ts';
import type { Random } from '../random.ts';
import { makeAccount, otherIds, others } from './people.ts';

/** Kinds of rows whose ID field is not what it should be. */
export const oddKinds = [
  'missing',
  'empty',
  'null',
  'several',
  'several_with_stranger',
  'too_long',
  'quotes',
  'non_ascii',
  'control',
  'number',
  'numeric_string',
  'stranger',
  'duplicate',
  'spaces',
] as const;

/**
 * Only on request. `twins`: two successive rows with one UID and different audiences; the right result is not defined
 * where a page ends between the two. `many_uids`: a row with very many UIDs. `nameless`: rows
 * that are equal and carry no identifier.
 */
export const rareKinds = [...oddKinds, 'twins', 'many_uids', 'nameless'] as const;
export type OddKind = (typeof rareKinds)[number];

const manyUids = 1_000;

type OddOptions = { audience: string; count: number; kinds: readonly OddKind[]; idField: string };

/** `count` rows of each kind, members of the audience. */
export function addOdd(
  lytics: LyticsState,
  gigya: GigyaState,
  random: Random,
  at: number,
  { audience, count, kinds, idField }: OddOptions,
): void {
  const pool = otherIds(lytics).filter((id) => id !== audience);
  const fresh = () => [audience, ...others(random, pool)];
  const ids = oddIds(random, (uid) => {
    putAccount(gigya, makeAccount(uid, { favouriteShop: 'Linz' }, { firstName: 'Odd' }, at));
    return uid;
  });
  const member = (): unknown => {
    const [key = 0] = random.sample([...lytics.members(audience)], 1);
    return valuesOf(lytics.rows.get(key)?.fields[idField])[0] ?? ids.twins();
  };
  const add = (kind: OddKind, value: unknown, audiences: readonly string[]) => {
    const key = lytics.nextKey();
    const fields: Record<string, unknown> = { first_name: `odd ${kind}` };
    if (kind !== 'nameless') fields.email = `odd${key}@example.com`;
    if (value !== undefined) fields[idField] = value;
    lytics.putRow({ key, fields, audiences });
  };
  for (const kind of kinds) {
    for (let n = 0; n < count; n++) {
      const value = kind === 'duplicate' ? member() : ids[kind]();
      // The same user twice is in the same audiences twice.
      const [original] = kind === 'duplicate' ? lytics.find(idField, String(value)) : [];
      add(kind, value, kind === 'nameless' ? [audience] : (original?.audiences ?? fresh()));
      if (kind === 'twins') add(kind, value, fresh());
    }
  }
}

/** What the ID field holds. `account` makes the account of a UID. */
function oddIds(random: Random, account: (uid: string) => string) {
  const several = () => [account(random.hex(32)), account(random.hex(32)), account(random.hex(32))];
  return {
    missing: () => undefined,
    nameless: () => undefined,
    empty: () => '',
    null: () => null,
    several,
    several_with_stranger: () => [account(random.hex(32)), random.hex(32)],
    many_uids: () => Array.from({ length: manyUids }, () => account(random.hex(32))),
    too_long: () => random.hex(300),
    quotes: () => account(`a"b\\c'd"${random.hex(12)}\\`),
    non_ascii: () => account(`Žluťoučký-кот-猫-${random.hex(12)}-🎿`),
    control: () => account(`tab\tline\nnul-\u0001-${random.hex(12)}`),
    number: () => {
      const id = 1_000_000_000 + random.int(1_000_000_000);
      account(String(id));
      return id;
    },
    numeric_string: () => account(`00${1_000_000 + random.int(1_000_000)}`),
    stranger: () => random.hex(32),
    twins: () => account(random.hex(32)),
    spaces: () => account(`with space+plus&amp ${random.hex(8)}`),
  } satisfies Record<Exclude<OddKind, 'duplicate'>, () => unknown>;
}
