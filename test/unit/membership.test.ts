import { describe, expect, it } from 'vitest';
import type { Audience } from '../../src/lytics/client.ts';
import { createCatalogue, labelOf } from '../../src/mapping/catalogue.ts';
import { audiencesIn, includesAudience, membershipOf } from '../../src/mapping/membership.ts';
import { uidsIn } from '../../src/mapping/uids.ts';
import { fc } from '../support/property.ts';

/** An audience that is open to the API, with changes. */
function audience(changes: Partial<Audience>): Audience {
  return {
    id: 'x',
    slug_name: 'x',
    name: undefined,
    public_name: undefined,
    is_public: true,
    size: undefined,
    ...changes,
  };
}

const vip = audience({ id: 'a1', slug_name: 'vip', name: 'VIP customers' });
const hidden = audience({ id: 'b2', slug_name: 'internal', name: 'Internal', is_public: false });
const nameless = audience({ id: 'c3', slug_name: 'nameless' });
/** Its name is the slug of another. */
const impostor = audience({ id: 'd4', slug_name: 'impostor', name: 'vip' });
const catalogue = createCatalogue([vip, hidden, nameless, impostor]);

const choice = { audience_format: 'slug', audiences: 'public' } as const;

describe('the audiences of an account', () => {
  it.each([
    ['a1', vip],
    ['vip', vip],
    ['VIP customers', vip],
    ['Internal', hidden],
    ['nameless', nameless],
    ['VIP', undefined],
    ['constructor', undefined],
  ])('are found by id, slug or name: %s', (name, audience) => {
    expect(catalogue.find(name)).toBe(audience);
  });

  it('the public name has the lowest priority', () => {
    const famous = audience({ id: 'h8', slug_name: 'famous', public_name: 'nameless' });
    const names = createCatalogue([nameless, famous]);
    expect(names.find('nameless')).toBe(nameless);
    expect(createCatalogue([famous]).find('nameless')).toBe(famous);
  });

  it('a slug takes precedence over a name, and an id over both', () => {
    const odd = audience({ id: 'e5', slug_name: 'a1', name: 'c3' });
    const names = createCatalogue([odd, vip, nameless, impostor]);
    expect(names.find('vip')).toBe(vip);
    expect(names.find('a1')).toBe(vip);
    expect(names.find('c3')).toBe(nameless);
  });
});

describe('an audience is called in Gigya by', () => {
  it.each([
    ['slug', 'vip', 'nameless'],
    ['id', 'a1', 'c3'],
    // Who has no name is called by the slug.
    ['name', 'VIP customers', 'nameless'],
  ] as const)('its %s', (audience_format, label, ofNameless) => {
    expect(labelOf(vip, { audience_format })).toBe(label);
    expect(labelOf(nameless, { audience_format })).toBe(ofNameless);
  });
});

describe('whether a membership includes an audience', () => {
  const aliased = audience({ id: 'g7', slug_name: 'gold', name: 'Gold', public_name: 'Gold members' });

  it.each(['g7', 'gold', 'Gold', 'Gold members'])('by %s: yes', (name) => {
    expect(includesAudience(['other', name], aliased)).toBe(true);
  });

  it.each([[[]], [['GOLD']], [['other']], [['gold members', 'undefined', '']]])('by %j: no', (names) => {
    expect(includesAudience(names, aliased)).toBe(false);
    expect(includesAudience(names, nameless)).toBe(false);
  });
});

describe('the audiences in a row', () => {
  const row = { segments: ['vip', 5, null, 'new'], segments_all: ['a1', 'b2'] };

  it('are those open to the API, or all', () => {
    expect(audiencesIn(row, { ...choice, audiences: 'public' })).toEqual(['vip', 'new']);
    expect(audiencesIn(row, { ...choice, audiences: 'all' })).toEqual(['a1', 'b2']);
  });

  it('can be empty', () => {
    expect(audiencesIn({ segments: [] }, choice)).toEqual([]);
  });

  it.each([
    {},
    { segments: null },
    { segments: 'vip' },
    { segments: { vip: true } },
    { segments: ['not_found', 'all'] },
  ])('are not in %j, so that the profile has to be looked up', (silent) => {
    expect(audiencesIn(silent, choice)).toBeUndefined();
  });

  it('are not those open to the API when all are wanted', () => {
    expect(audiencesIn({ segments: ['vip'] }, { ...choice, audiences: 'all' })).toBeUndefined();
  });
});

describe("a user's membership", () => {
  it('uses the format that the job selects, sorted and without duplicates', () => {
    const names = ['nameless', 'vip', 'a1', 'VIP customers'];
    expect(membershipOf(names, catalogue, choice).labels).toEqual(['nameless', 'vip']);
    expect(membershipOf(names, catalogue, { ...choice, audience_format: 'id' }).labels).toEqual(['a1', 'c3']);
    expect(membershipOf(names, catalogue, { ...choice, audience_format: 'name' }).labels).toEqual([
      'VIP customers',
      'nameless',
    ]);
  });

  it('omits audiences that are not open to the API, unless the job exports all', () => {
    expect(membershipOf(['vip', 'internal'], catalogue, choice)).toEqual({ labels: ['vip'], unlisted: [] });
    expect(membershipOf(['a1', 'b2'], catalogue, { ...choice, audiences: 'all' })).toEqual({
      labels: ['internal', 'vip'],
      unlisted: [],
    });
  });

  it('omits audiences that are not listed, and reports them', () => {
    expect(membershipOf(['vip', 'brand_new'], catalogue, choice)).toEqual({
      labels: ['vip'],
      unlisted: ['brand_new'],
    });
  });

  it('reports nothing when the audience of all users is not listed', () => {
    expect(membershipOf(['vip', 'all'], catalogue, choice)).toEqual({ labels: ['vip'], unlisted: [] });
    const all = audience({ id: 'f6', slug_name: 'all', name: 'All users' });
    expect(membershipOf(['vip', 'all'], createCatalogue([vip, all]), choice).labels).toEqual(['all', 'vip']);
  });

  it('does not depend on order and duplicates', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('vip', 'internal', 'nameless', 'a1', 'x')), (names) => {
        const once = membershipOf([...new Set(names)].reverse(), catalogue, choice);
        expect(membershipOf(names, catalogue, choice).labels).toEqual(once.labels);
      }),
    );
  });
});

describe('the UIDs in a row', () => {
  const uids = (value: unknown) => uidsIn({ gy_profile_id: value }, 'gy_profile_id');

  it.each<[what: string, value: unknown, found: string[]]>([
    ['a text', 'abc', ['abc']],
    ['a text, spaces and all', ' a b ', [' a b ']],
    ['digits with leading zeros', '00123', ['00123']],
    ['a number', 1234567890, ['1234567890']],
    ['the largest whole number', Number.MAX_SAFE_INTEGER, ['9007199254740991']],
    ['several', ['a', 'b', 3], ['a', 'b', '3']],
    ['one several times', ['a', 'a', 7, '7'], ['a', '7']],
    ['some that are none', ['', 'a', null, ' ', undefined, {}, true], ['a']],
    ['nothing', undefined, []],
    ['null', null, []],
    ['an empty text', '', []],
    ['spaces', '  \t', []],
    ['an empty list', [], []],
    ['an object', { id: 'a' }, []],
    ['a list in a list', [['a']], []],
    ['yes', true, []],
  ])('are taken from %s', (_what, value, found) => {
    expect(uids(value)).toEqual({ uids: found, imprecise: [] });
  });

  it.each<[what: string, value: unknown, imprecise: string[], found: string[]]>([
    ['a number beyond 2^53, which lost digits on the way', 2 ** 53, ['9007199254740992'], []],
    ['a fraction', 1.5, ['1.5'], []],
    ['several of those beside a good one', [2 ** 60, 1e300, 'a'], ['1152921504606847000', '1e+300'], ['a']],
    ['half of a character', '\uD83D', ['\uFFFD'], []],
  ])('cannot be read from %s', (_what, value, imprecise, found) => {
    expect(uids(value)).toEqual({ uids: found, imprecise });
  });

  it('are read from the field that the job names', () => {
    expect(uidsIn({ gy_profile_id: 'a', 'user.uid': 'b' }, 'user.uid').uids).toEqual(['b']);
    expect(uidsIn({ gy_profile_id: 'a' }, 'other').uids).toEqual([]);
  });
});
