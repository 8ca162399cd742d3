import type { GigyaState } from '../gigya/state.ts';
import type { Audience, LyticsState } from '../lytics/state.ts';
import { createRandom, type Random } from '../random.ts';
import type { PopulationOptions } from './options.ts';
import { epoch, makeAccount, makePerson, makeUid, otherIds, others, seedAccount } from './people.ts';

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

const slugOf = (name: string, n: number) => {
  const slug = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /[a-z]/.test(slug) ? slug : `audience_${n}`;
};

/** Every fifth audience is closed to the API; the first of those has a name that says so. */
function audienceAt(n: number, id: string): Audience {
  const round = Math.floor((n - 1) / names.length);
  const name = `${names[(n - 1) % names.length]}${round ? ` ${round + 1}` : ''}`;
  const isPublic = n % 5 !== 3;
  const audience = { id, slug: slugOf(name, n), name, publicName: name, isPublic, kind: 'segment' };
  return n === 3 ? { ...audience, slug: 'internal_only', name: 'Internal: do not publish' } : audience;
}

function addAudiences(lytics: LyticsState, random: Random, count: number): { vip: string; all: string } {
  const [vip, all] = [random.hex(32), random.hex(32)];
  const kind = 'segment';
  lytics.putAudience({
    id: vip,
    slug: 'vip',
    name: 'VIP customers',
    publicName: 'VIP',
    isPublic: true,
    kind,
  });
  // The audience of everybody; "all" is also what the answer about an unknown user carries.
  lytics.putAudience({ id: all, slug: 'all', name: 'All users', publicName: 'All', isPublic: false, kind });
  for (let n = 1; n <= count; n++) lytics.putAudience(audienceAt(n, random.hex(32)));
  return { vip, all };
}

export function populate(lytics: LyticsState, gigya: GigyaState, options: PopulationOptions): void {
  const random = createRandom(options.seed);
  const { vip, all } = addAudiences(lytics, random, options.audiences);
  const pool = otherIds(lytics);
  for (let n = 0; n < options.users + options.outsiders; n++) {
    const own = others(random, pool);
    const audiences = n < options.users ? [vip, ...own, all] : [...own, all];
    const person = makePerson(random, n, n + 1, makeUid(random, n), options.idField, audiences);
    lytics.putRow(person.row);
    seedAccount(gigya, person.account);
  }
  addGigyaOnly(gigya, random, Math.ceil(options.users / 100));
  const { fields } = gigya.dataSchema;
  fields.favouriteShop = { type: 'string', writeAccess: 'serverOnly' };
  fields.newsletter = { type: 'boolean', writeAccess: 'serverOnly' };
  fields['terms.version'] = { type: 'integer', writeAccess: 'serverOnly' };
}

/** Accounts that Lytics has never heard of. */
function addGigyaOnly(gigya: GigyaState, random: Random, count: number): void {
  for (let n = 0; n < count; n++) {
    const uid = makeUid(random, n);
    seedAccount(gigya, makeAccount(uid, { favouriteShop: 'Graz' }, { firstName: 'Nobody' }, epoch));
  }
}
