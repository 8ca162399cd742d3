import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../sandbox/gigya/query.ts';
import type { Gigya } from '../../src/gigya/client.ts';
import { createLookUpSize } from '../../src/gigya/lookUpSize.ts';
import { groupUids, isQueryable, quote } from '../../src/gigya/query.ts';
import { lookUp, type Place } from '../../src/gigya/search.ts';
import { fc } from '../support/property.ts';

/** Texts that would like to be more than a text. */
const hostile = fc.constantFrom(
  '"',
  '\\',
  'a" OR UID != "',
  'a") OR (UID is not null',
  'a\\',
  'a\\" or 1=1 --',
  'a\u0000b',
  'a\nLIMIT 10000',
  '\u2028',
  '\u202Eabc',
  '\uD800',
  '',
  ' ',
  '_guid_abc+/=',
  "O'Neill",
  'a,b',
  'SELECT * FROM accounts',
  '日本のお客様',
  '🎿',
);
const uids = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.tuple(fc.string(), hostile, fc.string()).map((parts) => parts.join('')),
  hostile,
  fc.uuid(),
);

/** What may end a quoted text, be read in another way, or not be seen: nobody tells how Gigya escapes it. */
const isPlain = (text: string) =>
  text !== '' && text.isWellFormed() && !/["\\\p{Cc}\p{Cf}\u2028\u2029]/u.test(text);

const ACCOUNTS: Place = {
  namespace: 'accounts',
  source: 'accounts',
  condition: '',
  fields: ['lytics_segments'],
};

/** The queries that a look-up sends. */
async function queriesFor(uids: readonly string[], place: Place = ACCOUNTS): Promise<string[]> {
  const queries: string[] = [];
  const gigya: Gigya = {
    name: 'gigya',
    connections: 20,
    lookUpSize: createLookUpSize(),
    async call(_method, { query }, reply) {
      queries.push(String(query));
      return reply.parse({});
    },
    close: async () => {},
  };
  await lookUp(gigya, place, uids);
  return queries;
}

/** The UIDs a query asks for; throws when it asks for anything else. */
function uidsOf(query: string): string[] {
  const { select, from, where, orderBy, start, limit } = parseQuery(query);
  expect({ select, from, orderBy, start }).toEqual({
    select: { kind: 'fields', fields: ['UID', 'data.lytics_segments'] },
    from: 'accounts',
    orderBy: [],
    start: 0,
  });
  if (where?.kind !== 'in' || where.field !== 'UID') throw new Error(`It asks for something else: ${query}`);
  const asked = [...where.values].map(String);
  // Read in the plainest way, without knowing of any escape, it says the same.
  const plainly = query.split('"').filter((_, n) => n % 2 === 1);
  expect(new Set(plainly)).toEqual(new Set(asked));
  expect(limit).toBe(plainly.length);
  return asked;
}

describe('queries that look up UIDs', () => {
  it('select exactly the UIDs that a query may contain, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(uids, { maxLength: 450, size: 'max' }), async (wanted) => {
        const queries = await queriesFor(wanted);
        const queryable = wanted.filter((uid) => isPlain(uid) && uid.length <= 1_000);
        expect(new Set(queries.flatMap(uidsOf))).toEqual(new Set(queryable));
      }),
      { numRuns: 60 },
    );
  });

  it('start with at most 200 UIDs', async () => {
    const wanted = Array.from({ length: 1_001 }, (_, n) => `uid-${n}`);
    const asked = (await queriesFor(wanted)).map(uidsOf);
    expect(asked.map(({ length }) => length)).toEqual([200, 200, 200, 200, 200, 1]);
    expect(asked.flat()).toEqual(wanted);
  });

  it("start no longer than 200 of Gigya's own UIDs, however long these are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 300, size: 'max' }),
        async (lengths) => {
          const queries = await queriesFor(lengths.map((length) => 'x'.repeat(length)));
          for (const query of queries) expect(query.length).toBeLessThan(8_200);
        },
      ),
    );
  });

  it('do not exist without UIDs', async () => {
    expect(await queriesFor([])).toEqual([]);
    expect(await queriesFor(['"', ''])).toEqual([]);
  });

  it('contain a further condition before the limit', async () => {
    const place: Place = { namespace: 'ds', source: 'lytics', condition: ' and oid = "lytics"', fields: [] };
    expect(await queriesFor(['a', 'b'], place)).toEqual([
      'SELECT UID FROM lytics WHERE UID in ("a","b") and oid = "lytics" LIMIT 2',
    ]);
  });
});

describe('groups of UIDs', () => {
  it('are as large as allowed and lose no UID', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 50, unit: fc.constantFrom('a', 'b') })),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 500 }),
        (wanted, most, characters) => {
          const groups = groupUids(wanted, { uids: most, characters });
          expect(groups.flat()).toEqual(wanted);
          for (const [n, group] of groups.entries()) {
            const length = group.reduce((sum, uid) => sum + uid.length + 3, 0);
            expect(group.length).toBeLessThanOrEqual(most);
            // One UID alone is asked for, however long.
            expect(length <= characters || group.length === 1).toBe(true);
            const next = groups[n + 1]?.[0];
            if (next === undefined) continue;
            expect(group.length === most || length + next.length + 3 > characters).toBe(true);
          }
        },
      ),
    );
  });
});

describe('a string in a query', () => {
  it('is put in double quotes', () => {
    expect(quote("Women's shoes (50 %)")).toBe('"Women\'s shoes (50 %)"');
  });

  it('that could end the quotes is refused, and not named', () => {
    for (const text of ['a" OR "', 'back\\slash', 'line\nbreak', '\u2029', '\uDC00', '', 'x'.repeat(1_001)]) {
      expect(isQueryable(text)).toBe(false);
      expect(() => quote(text)).toThrow(new RangeError('This text cannot be part of a Gigya query'));
    }
  });
});
