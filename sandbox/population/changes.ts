import { type GigyaState, putAccount } from '../gigya/state.ts';
import { type LyticsState, type Row, valuesOf } from '../lytics/state.ts';
import type { Random } from '../random.ts';
import { makeAccount, makePerson, makeUid, otherIds, others } from './people.ts';

type Count = { audience: string; count: number };

function sampleRows(lytics: LyticsState, random: Random, keys: Iterable<number>, count: number): Row[] {
  return random.sample([...keys], count).flatMap((key) => lytics.rows.get(key) ?? []);
}

/** `count` users of Lytics come into the audience; new ones (with accounts) where there are not enough. */
export function enter(
  lytics: LyticsState,
  gigya: GigyaState,
  random: Random,
  at: number,
  { audience, count, idField }: Count & { idField: string },
): void {
  const members = lytics.members(audience);
  const outside = [...lytics.rows.keys()].filter((key) => !members.has(key));
  const chosen = sampleRows(lytics, random, outside, count);
  for (const row of chosen) lytics.putRow({ ...row, audiences: [audience, ...row.audiences] });

  const all = lytics.audience('all')?.id;
  const pool = otherIds(lytics).filter((id) => id !== audience);
  for (let n = chosen.length; n < count; n++) {
    const key = lytics.nextKey();
    const audiences = [audience, ...others(random, pool), ...(all ? [all] : [])];
    const { row, account } = makePerson(random, key, key, makeUid(random, key), idField, audiences);
    lytics.putRow(row);
    putAccount(gigya, makeAccount(account.UID, account.data, account.profile, at));
  }
}

/** What a user who leaves is still in: the other audiences, or nothing but `all`. */
export const staysKinds = ['others', 'all_only'] as const;
export type Stays = (typeof staysKinds)[number];

/** `count` members leave the audience and stay in Lytics. */
export function leave(
  lytics: LyticsState,
  random: Random,
  { audience, count, stays = 'others' }: Count & { stays?: Stays | undefined },
): void {
  const all = lytics.audience('all')?.id;
  for (const row of sampleRows(lytics, random, lytics.members(audience), count)) {
    const others = row.audiences.filter((id) => id !== audience);
    const audiences = stays === 'others' ? others : others.filter((id) => id === all);
    lytics.putRow({ ...row, audiences });
  }
}

/** `count` members are gone from Lytics, with every profile that holds one of their UIDs. */
export function remove(
  lytics: LyticsState,
  random: Random,
  { audience, count, idField }: Count & { idField: string },
): void {
  for (const row of sampleRows(lytics, random, lytics.members(audience), count)) {
    for (const uid of valuesOf(row.fields[idField]))
      for (const { key } of lytics.find(idField, uid)) lytics.removeRow(key);
    lytics.removeRow(row.key);
  }
}

/** Members come into, or leave, one public audience beside this one: what is exported of each is different then. */
export function change(lytics: LyticsState, random: Random, { audience, count }: Count): void {
  const open = [...lytics.audiences.values()].filter(
    ({ id, slug, isPublic }) => isPublic && id !== audience && slug !== 'vip',
  );
  for (const row of sampleRows(lytics, random, lytics.members(audience), count)) {
    const [toggled] = random.sample(open, 1);
    if (!toggled) continue;
    const without = row.audiences.filter((id) => id !== toggled.id);
    const wasIn = without.length < row.audiences.length;
    lytics.putRow({ ...row, audiences: wasIn ? without : [...row.audiences, toggled.id] });
  }
}
