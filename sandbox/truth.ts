import { fullAccount } from './gigya/lite.ts';
import { type Audience, audiencesOf, type Row, valuesOf } from './lytics/state.ts';
import type { World } from './world.ts';

export type Format = 'slug' | 'id' | 'name';
export type Which = 'public' | 'all';

export type Truth = {
  audience: { id: string; slug: string; name: string; isPublic: boolean };
  /** What each member with a Gigya account should carry. */
  expected: Record<string, string[]>;
  /** Member UIDs without a full account. */
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

function membersOf(world: World, audienceId: string): Row[] {
  return [...world.lytics.members(audienceId)].flatMap((key) => world.lytics.rows.get(key) ?? []);
}

export function memberUids(world: World, audienceId: string): Set<string> {
  const { idField } = world.population;
  return new Set(membersOf(world, audienceId).flatMap(({ fields }) => valuesOf(fields[idField])));
}

/** The audiences of some rows that are exported, in the format of the export. */
export function exported(world: World, rows: readonly Row[], { format, which }: Omit<Options, 'audience'>) {
  const isExported = ({ isPublic }: Audience) => which === 'all' || isPublic;
  return new Set(
    rows
      .flatMap((row) => audiencesOf(world.lytics, row))
      .filter(isExported)
      .map((one) => one[format]),
  );
}

/** A UID that stands on several member rows should carry the audiences of them all. */
export function truth(world: World, options: Options): Truth {
  const audience = world.lytics.audience(options.audience);
  if (!audience) throw new UnknownAudience(`no audience ${options.audience}`);
  const rows = membersOf(world, audience.id);
  const byUid = new Map<string, Row[]>();
  let withoutId = 0;
  for (const row of rows) {
    const uids = valuesOf(row.fields[world.population.idField]);
    if (uids.length === 0) withoutId++;
    for (const uid of uids) byUid.set(uid, [...(byUid.get(uid) ?? []), row]);
  }
  const expected: Record<string, string[]> = {};
  const strangers: string[] = [];
  for (const [uid, own] of byUid) {
    if (fullAccount(world, uid)) expected[uid] = [...exported(world, own, options)].sort();
    else strangers.push(uid);
  }
  const { id, slug, name, isPublic } = audience;
  return { audience: { id, slug, name, isPublic }, expected, strangers, rows: rows.length, withoutId };
}
