import type { Account, GigyaState } from '../gigya/state.ts';
import type { LyticsState, Row } from '../lytics/state.ts';
import type { Random } from '../random.ts';

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

export const epoch = Date.UTC(2023, 0, 1);

/** Mostly 32 hex digits; every sixteenth in the older form, whose `+/=_` must survive a form and a query. */
export function makeUid(random: Random, n: number): string {
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

export function makePerson(
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
export function others(random: Random, ids: readonly string[]): string[] {
  return random.sample(ids, Math.min(ids.length, 2 + random.int(5)));
}

/** Every audience but `vip` and `all`. */
export function otherIds(lytics: LyticsState): string[] {
  return [...lytics.audiences.values()]
    .filter(({ slug }) => slug !== 'vip' && slug !== 'all')
    .map(({ id }) => id);
}

/** An account that was there before the sandbox began: searches see it at once. */
export function seedAccount(gigya: GigyaState, account: Account): void {
  gigya.accounts.set(account.UID, account);
  gigya.baseline.set(account.UID, account);
  gigya.index.seed(account.UID, account);
}
