import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../sandbox/lytics/filterql.ts';
import { isFilterable, isFilterableField, usersWith } from '../../src/lytics/filterql.ts';
import { fc } from '../support/property.ts';

/** Texts that would like to be more than a value. */
const hostile = fc.constantFrom(
  '"',
  "'",
  '`',
  '\\',
  'a") OR EXISTS email',
  'a", "b',
  'a") FROM user',
  'a\\',
  'a\\") OR (*) -- ',
  'a\u0000b',
  'a\nFROM user',
  '\u2028',
  '\u202Eabc',
  '\uD800',
  '',
  ' ',
  '*',
  '(',
  ')',
  ',',
  'x)',
  'and',
  'FROM',
  '日本のお客様',
  '🎿',
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.tuple(fc.string(), hostile, fc.string()).map((parts) => parts.join('')),
  hostile,
  fc.uuid(),
);
/** Gigya's own UIDs, and others that occur. */
const safe = fc.oneof(
  fc.uuid(),
  fc.string({ minLength: 32, maxLength: 32, unit: fc.constantFrom(...'0123456789abcdef') }),
  fc.string({ minLength: 1, maxLength: 256, unit: fc.constantFrom(...'aZ09_.:@-') }),
);

describe('a statement for users', () => {
  it('selects exactly these UIDs, whatever they contain', () => {
    fc.assert(
      fc.property(fc.array(safe, { minLength: 1, maxLength: 100 }), (uids) => {
        expect(parseFilter(usersWith('gy_profile_id', uids))).toEqual({
          kind: 'and',
          terms: [{ kind: 'in', field: 'gy_profile_id', values: uids }],
        });
      }),
    );
  });

  it('selects members of one audience', () => {
    fc.assert(
      fc.property(
        safe,
        fc.constantFrom('vip', 'a50f26b01d52ae7ce307cf4c35eed', 'vip_2024', 'big-spenders'),
        (uid, audience) => {
          expect(parseFilter(usersWith('gy_profile_id', [uid], audience))).toEqual({
            kind: 'and',
            terms: [
              { kind: 'include', audience },
              { kind: 'in', field: 'gy_profile_id', values: [uid] },
            ],
          });
        },
      ),
    );
  });

  it('matches the documentation', () => {
    expect(usersWith('gy_profile_id', ['a', 'b'], 'vip')).toBe(
      'FILTER AND (INCLUDE vip, gy_profile_id IN ("a", "b")) FROM user',
    );
    expect(usersWith('gy_profile_id', ['a'])).toBe('FILTER AND (gy_profile_id IN ("a")) FROM user');
  });
});

describe('no text breaks out of a statement', () => {
  /** The statement says what it should, read with escapes and read without any; or there is none. */
  function expectContained(uids: string[], field: string, audience: string | undefined): void {
    let statement: string;
    try {
      statement = usersWith(field, uids, audience);
    } catch (error) {
      expect(error).toEqual(new RangeError('This name or UID cannot be part of a FilterQL statement'));
      return;
    }
    const condition = { kind: 'in', field, values: uids };
    const include = { kind: 'include', audience };
    expect(parseFilter(statement)).toEqual({
      kind: 'and',
      terms: audience === undefined ? [condition] : [include, condition],
    });
    expect(statement.split('"').filter((_, n) => n % 2 === 1)).toEqual(uids);
  }

  it('as a UID', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (uids) => {
        expectContained(uids, 'gy_profile_id', undefined);
        const isSafe = uids.every((uid) => /^[A-Za-z0-9_.:@=+/|~-]{1,256}$/.test(uid));
        expect(uids.every(isFilterable)).toBe(isSafe);
      }),
      { numRuns: 500 },
    );
  });

  it('as the name of a field', () => {
    fc.assert(
      fc.property(texts, (field) => {
        expectContained(['a'], field, undefined);
        expect(isFilterableField(field)).toBe(/^[A-Za-z_]\w*$/.test(field));
      }),
      { numRuns: 300 },
    );
  });

  it('as the name of an audience', () => {
    fc.assert(
      fc.property(texts, (audience) => {
        expectContained(['a'], 'gy_profile_id', audience);
      }),
      { numRuns: 300 },
    );
  });

  it.each(['a"', 'a\\', "a'", 'a\n', 'a b', 'ü', '', 'x'.repeat(257)])('%j is refused', (text) => {
    expect(isFilterable(text)).toBe(false);
    expect(() => usersWith('gy_profile_id', ['good', text])).toThrow(RangeError);
    expect(() => usersWith('gy_profile_id', ['good'], text)).toThrow(RangeError);
  });

  it('is not created without UIDs', () => {
    expect(() => usersWith('gy_profile_id', [])).toThrow(RangeError);
  });
});
