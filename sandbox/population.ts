import type { Account, GigyaState } from './gigya/state.ts';
import { type LyticsState, type Row, valuesOf } from './lytics/state.ts';
import { createRandom, type Random } from './random.ts';

export type PopulationOptions = {
  /** Members of `vip`, each with a Lytics profile and a Gigya account. */
  users: number;
  seed: number;
  /** Audiences beside `vip` and `all`. @default 24 */
  audiences: number;
  /** Users with profile and account who are not in `vip`. @default a twentieth of `users` */
  outsiders: number;
  /** The Lytics field that holds the Gigya UID. @default gy_profile_id */
  idField: string;
};

/** Rows an ID field should not have, and does. */
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
 * `twins`: two rows, one after the other, with one UID and different audiences. Only on request: what is right
 * for them when a page ends between the two is nobody's promise.
 */
export const rareKinds = [...oddKinds, 'twins'] as const;
export type OddKind = (typeof rareKinds)[number];

const names = [
  'Newsletter readers',
  'Café & Kuchen',
  'The "Gold" members',
  'Kund:innen in Österreich',
  '日本のお客様',
  'Lapsed 90 days',
  'Cart left behind',
  "Women's shoes",
  'High value / low frequency',
  'a~b*c (test)',
  'Señores de Bogotá',
  'Back\\slash',
  'Mobile app users',
  '100% loyal',
  'Ski & Snow 2024',
  'Emoji fans 🎿',
] as const;

const firstNames = [
  'Ada',
  'Bela',
  'Chloé',
  'Dragan',
  'Eva',
  'Farid',
  'Grace',
  'Håkon',
  'Inès',
  'Jörg',
] as const;
const lastNames = [
  'Adler',
  'Brown',
  'Černý',
  'Díaz',
  'Egger',
  'Fuchs',
  "O'Neill",
  'Łukasz',
  'Moser',
  'Sato',
] as const;
const countries = ['AT', 'DE', 'CH', 'US', 'JP', 'FR'] as const;

const slugOf = (name: string, n: number) => {
  const slug = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /[a-z]/.test(slug) ? slug : `audience_${n}`;
};

const epoch = Date.UTC(2023, 0, 1);

/** Mostly 32 hex digits; every sixteenth in the older form, whose `+/=_` must survive a form and a query. */
function makeUid(random: Random, n: number): string {
  return n % 16 === 7 ? `_guid_${random.bytes(17).toString('base64')}` : random.hex(32);
}

export function makeAccount(
  uid: string,
  data: Readonly<Record<string, unknown>>,
  profile: Readonly<Record<string, unknown>>,
  at: number,
): Account {
  const time = new Date(at).toISOString();
  return {
    UID: uid,
    isRegistered: true,
    isActive: true,
    isVerified: true,
    created: time,
    createdTimestamp: at,
    lastUpdated: time,
    lastUpdatedTimestamp: at,
    profile,
    data,
  };
}

type Person = { row: Row; account: Account };

function makePerson(
  random: Random,
  n: number,
  key: number,
  uid: string,
  idField: string,
  audiences: string[],
): Person {
  const [first, last, country] = [random.pick(firstNames), random.pick(lastNames), random.pick(countries)];
  const email = `user${key}@example.com`;
  const created = epoch + random.int(300) * 86_400_000;
  const fields: Record<string, unknown> = {
    [idField]: uid,
    email,
    first_name: first,
    last_name: last,
    country,
    // Numbers may come as strings.
    score_intensity: String(random.int(101)),
    score_frequency: random.int(101),
    visit_ct: random.int(500),
    last_active_ts: new Date(created + random.int(1000) * 3_600_000).toISOString(),
  };
  if (n % 10 !== 0) fields._id = random.hex(24);
  const data = {
    favouriteShop: random.pick(['Graz', 'Linz', 'Wien']),
    newsletter: n % 3 === 0,
    terms: { version: 1 + random.int(4) },
  };
  return {
    row: { key, fields, audiences },
    account: makeAccount(uid, data, { firstName: first, lastName: last, email, country }, created),
  };
}

/** The other audiences a user is in: about four of them. */
function others(random: Random, ids: readonly string[]): string[] {
  return random.sample(ids, Math.min(ids.length, 2 + random.int(5)));
}

function otherIds(lytics: LyticsState): string[] {
  return [...lytics.audiences.values()]
    .filter(({ slug }) => slug !== 'vip' && slug !== 'all')
    .map(({ id }) => id);
}

function seedAccount(gigya: GigyaState, account: Account): void {
  gigya.accounts.set(account.UID, account);
  gigya.baseline.set(account.UID, account);
  gigya.index.seed(account.UID, account);
}

export function populate(lytics: LyticsState, gigya: GigyaState, options: PopulationOptions): void {
  const random = createRandom(options.seed);
  const id = () => random.hex(32);
  const [vip, all] = [id(), id()];
  lytics.putAudience({
    id: vip,
    slug: 'vip',
    name: 'VIP customers',
    publicName: 'VIP',
    isPublic: true,
    kind: 'segment',
  });
  // The audience of everybody; "all" is also what the answer about an unknown user carries.
  lytics.putAudience({
    id: all,
    slug: 'all',
    name: 'All users',
    publicName: 'All',
    isPublic: false,
    kind: 'segment',
  });
  for (let n = 1; n <= options.audiences; n++) {
    const round = Math.floor((n - 1) / names.length);
    const name = `${names[(n - 1) % names.length]}${round ? ` ${round + 1}` : ''}`;
    // Every fifth is closed to the API; the first of those has a name that says so.
    const hidden = n % 5 === 3;
    const audience = {
      id: id(),
      slug: slugOf(name, n),
      name,
      publicName: name,
      isPublic: !hidden,
      kind: 'segment',
    };
    lytics.putAudience(
      n === 3 ? { ...audience, slug: 'internal_only', name: 'Internal: do not publish' } : audience,
    );
  }
  const pool = otherIds(lytics);
  const people = options.users + options.outsiders;
  for (let n = 0; n < people; n++) {
    const own = others(random, pool);
    const audiences = n < options.users ? [vip, ...own, all] : [...own, all];
    const person = makePerson(random, n, n + 1, makeUid(random, n), options.idField, audiences);
    lytics.putRow(person.row);
    seedAccount(gigya, person.account);
  }
  // Accounts that Lytics has never heard of.
  for (let n = 0; n < Math.ceil(options.users / 100); n++)
    seedAccount(
      gigya,
      makeAccount(makeUid(random, n), { favouriteShop: 'Graz' }, { firstName: 'Nobody' }, epoch),
    );
  gigya.dataSchema.fields.favouriteShop = { type: 'string', writeAccess: 'serverOnly' };
  gigya.dataSchema.fields.newsletter = { type: 'boolean', writeAccess: 'serverOnly' };
  gigya.dataSchema.fields['terms.version'] = { type: 'integer', writeAccess: 'serverOnly' };
}

export function defaultPopulation(options: Partial<PopulationOptions>): PopulationOptions {
  const users = options.users ?? 1000;
  return {
    users,
    seed: options.seed ?? 1,
    audiences: options.audiences ?? 24,
    outsiders: options.outsiders ?? Math.ceil(users / 20),
    idField: options.idField ?? 'gy_profile_id',
  };
}

/** `count` users of Lytics come into the audience; new ones (with accounts) where there are not enough. */
export function enter(
  lytics: LyticsState,
  gigya: GigyaState,
  random: Random,
  at: number,
  { audience, count, idField }: { audience: string; count: number; idField: string },
): void {
  const members = lytics.members(audience);
  const outside = [...lytics.rows.keys()].filter((key) => !members.has(key));
  const chosen = random.sample(outside, count);
  for (const key of chosen) {
    const row = lytics.rows.get(key);
    if (row) lytics.putRow({ ...row, audiences: [audience, ...row.audiences] });
  }
  const all = lytics.audience('all')?.id;
  const pool = otherIds(lytics).filter((id) => id !== audience);
  for (let n = chosen.length; n < count; n++) {
    const key = lytics.nextKey();
    const audiences = [audience, ...others(random, pool), ...(all ? [all] : [])];
    const { row, account } = makePerson(random, key, key, makeUid(random, key), idField, audiences);
    lytics.putRow(row);
    const fresh = { ...makeAccount(account.UID, account.data, account.profile, at) };
    gigya.accounts.set(account.UID, fresh);
    gigya.baseline.set(account.UID, fresh);
    gigya.index.write(account.UID, fresh);
  }
}

export function leave(
  lytics: LyticsState,
  random: Random,
  { audience, count }: { audience: string; count: number },
): void {
  for (const key of random.sample([...lytics.members(audience)], count)) {
    const row = lytics.rows.get(key);
    if (row) lytics.putRow({ ...row, audiences: row.audiences.filter((id) => id !== audience) });
  }
}

/** Members come into, or leave, one public audience beside this one: what is exported of each is different then. */
export function change(
  lytics: LyticsState,
  random: Random,
  { audience, count }: { audience: string; count: number },
): void {
  const open = [...lytics.audiences.values()].filter(
    ({ id, slug, isPublic }) => isPublic && id !== audience && slug !== 'vip',
  );
  for (const key of random.sample([...lytics.members(audience)], count)) {
    const row = lytics.rows.get(key);
    const [toggled] = random.sample(open, 1);
    if (!row || !toggled) continue;
    const without = row.audiences.filter((id) => id !== toggled.id);
    lytics.putRow({
      ...row,
      audiences: without.length < row.audiences.length ? without : [...row.audiences, toggled.id],
    });
  }
}

/** `count` rows of each kind, members of the audience. */
export function addOdd(
  lytics: LyticsState,
  gigya: GigyaState,
  random: Random,
  at: number,
  options: { audience: string; count: number; kinds: readonly OddKind[]; idField: string },
): void {
  const pool = otherIds(lytics).filter((id) => id !== options.audience);
  const account = (uid: string) => {
    const made = makeAccount(uid, { favouriteShop: 'Linz' }, { firstName: 'Odd' }, at);
    gigya.accounts.set(uid, made);
    gigya.baseline.set(uid, made);
    gigya.index.write(uid, made);
    return uid;
  };
  const someMember = (): Row | undefined => {
    const [key] = random.sample([...lytics.members(options.audience)], 1);
    return lytics.rows.get(key ?? 0);
  };
  const idOf: Record<OddKind, () => unknown> = {
    missing: () => undefined,
    empty: () => '',
    null: () => null,
    several: () => [account(random.hex(32)), account(random.hex(32)), account(random.hex(32))],
    several_with_stranger: () => [account(random.hex(32)), random.hex(32)],
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
    duplicate: () => valuesOf(someMember()?.fields[options.idField])[0] ?? account(random.hex(32)),
    twins: () => account(random.hex(32)),
    spaces: () => account(`with space+plus&amp ${random.hex(8)}`),
  };
  const add = (kind: OddKind, value: unknown, audiences: readonly string[]) => {
    const key = lytics.nextKey();
    const fields: Record<string, unknown> = { email: `odd${key}@example.com`, first_name: `odd ${kind}` };
    if (value !== undefined) fields[options.idField] = value;
    lytics.putRow({ key, fields, audiences });
  };
  const fresh = () => [options.audience, ...others(random, pool)];
  for (const kind of options.kinds) {
    for (let n = 0; n < options.count; n++) {
      const value = idOf[kind]();
      // The same user twice is in the same audiences twice.
      const [original] = kind === 'duplicate' ? lytics.find(options.idField, String(value)) : [];
      add(kind, value, original?.audiences ?? fresh());
      if (kind === 'twins') add(kind, value, fresh());
    }
  }
}
