import { describe, expect, it } from 'vitest';
import { holds, type Value } from '../../src/record.ts';
import { fc } from '../support/property.ts';

/** Whether a user whose field is this holds the value. */
const equals = (held: unknown, value: Value) => holds({ field: held }, { field: value });

describe('a list that Gigya holds equals the one of a record', () => {
  it('in any order', () => {
    expect(equals(['vip', 'loyal', 'new'], ['new', 'vip', 'loyal'])).toBe(true);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), (audiences) => {
        expect(equals([...audiences].reverse(), audiences)).toBe(true);
      }),
    );
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', []],
  ])('when there are no audiences and it is %s', (_what, held) => {
    expect(equals(held, [])).toBe(true);
    expect(equals(held, ['vip'])).toBe(false);
  });

  it.each([
    ['one more', ['vip', 'new'], ['vip']],
    ['one less', ['vip'], ['vip', 'new']],
    ['another one', ['old'], ['vip']],
    ['one twice', ['vip', 'vip'], ['vip']],
    ['one twice in place of another', ['vip', 'vip'], ['vip', 'new']],
    ['another case', ['VIP'], ['vip']],
    ['a text', 'vip', ['vip']],
    ['a number', [1], ['1']],
    ['null inside', [null], ['null']],
    ['an object', { 0: 'vip', length: 1 }, ['vip']],
    ['a list in a list', [['vip']], ['vip']],
    ['an empty text', '', []],
  ])('not with %s', (_what, held, audiences) => {
    expect(equals(held, audiences)).toBe(false);
  });

  it('and leaves both lists in their order', () => {
    const held = ['b', 'a'];
    const audiences = ['c', 'b'];
    equals(held, audiences);
    expect([held, audiences]).toEqual([
      ['b', 'a'],
      ['c', 'b'],
    ]);
  });
});

describe('a single value', () => {
  it.each<[held: unknown, value: Value, isEqual: boolean]>([
    ['gold', 'gold', true],
    ['Gold', 'gold', false],
    ['5', '5', true],
    [5, '5', true],
    [42, 42, true],
    // Numbers may come back as text.
    ['42', 42, true],
    ['42.0', 42, true],
    ['', 0, false],
    ['  ', 0, false],
    [null, 0, false],
    [undefined, 0, false],
    ['x', 42, false],
    [true, true, true],
    [false, true, false],
    ['true', true, true],
    ['false', true, false],
    ['yes', true, false],
    [1, true, false],
    [undefined, false, false],
    [['gold'], 'gold', false],
  ])('%j equals %j: %s', (held, value, isEqual) => {
    expect(equals(held, value)).toBe(isEqual);
  });

  it.each<[held: unknown, isEqual: boolean]>([
    [undefined, true],
    [null, true],
    ['', false],
    [0, false],
    [false, false],
    [[], true],
  ])('%j is already clear: %s', (held, isEqual) => {
    expect(equals(held, null)).toBe(isEqual);
  });
});

describe('a user holds a record', () => {
  it('when every field of it is equal, whatever else they hold', () => {
    const data = { lytics_segments: ['vip'], momentum: 42 };
    expect(holds({ lytics_segments: ['vip'], momentum: '42', shop: 'Graz' }, data)).toBe(true);
    expect(holds({ lytics_segments: ['vip'], momentum: 41 }, data)).toBe(false);
    expect(holds({ lytics_segments: [], momentum: 42 }, data)).toBe(false);
    expect(holds({ momentum: 42 }, data)).toBe(false);
    expect(holds({}, data)).toBe(false);
  });

  it('that has no fields', () => {
    expect(holds({ shop: 'Graz' }, {})).toBe(true);
  });
});
