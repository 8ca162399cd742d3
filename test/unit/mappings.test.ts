import { describe, expect, it } from 'vitest';
import { type JobDocument, parseJob } from '../../src/job.ts';
import type { MappingTarget } from '../../src/jobMappings.ts';
import type { Audience } from '../../src/lytics/client.ts';
import { createCatalogue } from '../../src/mapping/catalogue.ts';
import { createMapping, fieldsOf, type Mapped, type User } from '../../src/mapping/mapping.ts';
import { MISFIT, valueFor } from '../../src/mapping/values.ts';
import { type FieldType, type Held, holds, type Value } from '../../src/record.ts';
import { jobDocument } from '../support/jobs.ts';
import { fc } from '../support/property.ts';

const target = (options: Partial<MappingTarget> = {}): MappingTarget => ({
  field: 'x',
  on_null: 'clear',
  ...options,
});

describe('the value of a Lytics field in Gigya', () => {
  it.each<[raw: unknown, type: FieldType | undefined, value: Value]>([
    ['gold', undefined, 'gold'],
    ['gold', 'string', 'gold'],
    [50, undefined, 50],
    [50, 'string', '50'],
    ['50', undefined, '50'],
    ['50', 'string', '50'],
    ['50', 'integer', 50],
    [' 49.96 ', 'number', 49.96],
    [49.96, 'integer', 50],
    [true, undefined, true],
    [true, 'string', 'true'],
    ['True', 'boolean', true],
    [false, 'boolean', false],
    [1, 'boolean', true],
    ['0', 'boolean', false],
    [3.7, 'integer', 4],
    ['half \ud83d', 'string', 'half \ufffd'],
  ])('is, for %j and the type %s, %j', (raw, type, value) => {
    expect(valueFor(raw, target(), type)).toBe(value);
  });

  it.each<[raw: unknown, type: FieldType]>([
    ['gold', 'number'],
    ['gold', 'boolean'],
    [true, 'integer'],
    [2, 'boolean'],
    ['yes', 'boolean'],
    ['9007199254740993', 'integer'],
    ['0x10', 'integer'],
    [['a'], 'number'],
    [{ a: 1 }, 'integer'],
  ])('does not fit, for %j and the type %s', (raw, type) => {
    expect(valueFor(raw, target(), type)).toBe(MISFIT);
  });

  it.each([undefined, null, '', '  '])(
    'is null for %j, and an empty list where there would be a list',
    (raw) => {
      expect(valueFor(raw, target(), undefined)).toBeNull();
      expect(valueFor(raw, target({ top: 3 }), undefined)).toEqual([]);
    },
  );

  it.each([
    [[], []],
    [{}, []],
    [
      ['b', 'a', 'b'],
      ['a', 'b'],
    ],
    [
      [3, true, '', null, { a: 1 }, 'x'],
      ['3', 'true', 'x'],
    ],
    [{ b: 1, a: 0, c: null }, ['a', 'b']],
  ])('is a sorted list without duplicates, for %j', (raw, value) => {
    expect(valueFor(raw, target(), 'string')).toEqual(value);
  });

  it('is, of a map of scores, the strongest keys: ties go by name', () => {
    const scores = { Shoes: 0.76, Hats: '0.9', Bags: 0.5, Ties: 0.5, Socks: 0.05, Notes: 'none' };
    expect(valueFor(scores, target({ top: 3 }), 'string')).toEqual(['Bags', 'Hats', 'Shoes']);
    expect(valueFor(scores, target({ min: 0.5 }), 'string')).toEqual(['Bags', 'Hats', 'Shoes', 'Ties']);
    expect(valueFor(scores, target({ top: 1, min: 0.95 }), 'string')).toEqual([]);
    expect(valueFor(50, target({ top: 3 }), 'string')).toBe(MISFIT);
  });

  it('is the same list whatever the order of the map', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.integer({ min: 0, max: 3 })), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(entries, (pairs) => {
        const [one, other] = [pairs, [...pairs].reverse()].map((all) =>
          valueFor(Object.fromEntries(all), target({ top: 3 }), 'string'),
        );
        expect(one).toEqual(other);
      }),
    );
  });

  it.each([
    [49.96, 5, 50],
    ['47.4', 5, 45],
    [0.17, 0.05, 0.15],
    [0.3, 0.1, 0.3],
    [-1, 5, 0],
    [-13, 5, -15],
  ])('is rounded to a multiple of the step: %j by %j is %j', (raw, round, value) => {
    expect(valueFor(raw, target({ round }), 'number')).toBe(value);
    expect(valueFor(raw, target({ round }), undefined)).toBe(value);
    expect(valueFor(raw, target({ round }), 'string')).toBe(String(value));
  });

  it('is rounded in maps before the keys are selected, so that small drift changes no list', () => {
    const drift = [
      { Shoes: 0.76, Hats: 0.74 },
      { Shoes: 0.74, Hats: 0.76 },
    ];
    const lists = drift.map((scores) => valueFor(scores, target({ top: 1, round: 0.25 }), 'string'));
    expect(lists).toEqual([['Hats'], ['Hats']]);
  });
});

describe('what Gigya holds equals a mapped value', () => {
  const isHeld = (held: unknown, value: Value) => holds({ x: held } satisfies Held, { x: value });

  it.each<[held: unknown, value: Value]>([
    ['50', 50],
    [50, '50'],
    [50, 50],
    [Math.fround(0.1), 0.1],
    ['true', true],
    [true, 'true'],
    [undefined, null],
    [null, null],
    [[], null],
  ])('%j and %j', (held, value) => {
    expect(isHeld(held, value)).toBe(true);
  });

  it.each<[held: unknown, value: Value]>([
    [undefined, 0],
    [undefined, false],
    [undefined, ''],
    ['', 0],
    [' ', 0],
    ['50a', 50],
    [50, 51],
    [16_777_217, 16_777_216],
    [0.15, 0.2],
    [1, true],
    ['50', '50.0'],
    ['a', null],
    [['50'], 50],
  ])('not %j and %j', (held, value) => {
    expect(isHeld(held, value)).toBe(false);
  });
});

const vip: Audience = {
  id: 'a1',
  slug_name: 'vip',
  name: 'VIP customers',
  public_name: undefined,
  is_public: true,
  size: 3,
};
const staff: Audience = { ...vip, id: 'b2', slug_name: 'staff', name: 'Staff', is_public: false };
const loyal: Audience = { ...vip, id: 'c3', slug_name: 'loyal', name: 'Loyal' };
const catalogue = createCatalogue([vip, staff, loyal]);

function mappingOf(mappings: JobDocument['config']['mappings'], changes: Partial<Mapped> = {}) {
  const job = parseJob(jobDocument('Test', { mappings }));
  return createMapping({ job, audience: { label: 'vip' }, ...changes }, catalogue);
}

const user = (changes: Partial<User> = {}): User => ({
  uid: 'u',
  row: { score_momentum: '50', tier: 'gold' },
  audiences: ['vip', 'loyal'],
  memberOf: ['vip', 'loyal'],
  ...changes,
});

describe('the record of a user', () => {
  it('has the audiences and each mapped field, in one write', () => {
    const mapping = mappingOf([{ score_momentum: 'momentum', tier: { field: 'tier' } }, { gone: 'gone' }], {
      field_types: { momentum: 'number' },
    });
    expect(mapping.recordOf(user()).data).toEqual({
      lytics_segments: ['loyal', 'vip'],
      momentum: 50,
      tier: 'gold',
      gone: null,
    });
    const { config } = parseJob(jobDocument('Test', { mappings: [{ a: 'b' }, { c: 'd' }] }));
    expect(fieldsOf(config)).toEqual(['lytics_segments', 'b', 'd']);
  });

  it('leaves a field out with on_null "keep" when Lytics has no value, or does not know the user', () => {
    const mapping = mappingOf([{ tier: { field: 'tier', on_null: 'keep' } }, { score_momentum: 'momentum' }]);
    const nothing = { lytics_segments: [], momentum: null };
    expect(mapping.recordOf(user({ row: { tier: ' ' }, audiences: [] })).data).toEqual(nothing);
    expect(mapping.recordOf(user({ row: undefined, audiences: [] })).data).toEqual(nothing);
  });

  it('leaves a field unchanged when the value does not fit, and names the Lytics field', () => {
    const mapping = mappingOf([{ tier: 'tier' }], { field_types: { tier: 'integer' } });
    expect(mapping.recordOf(user()).data).toEqual({ lytics_segments: ['loyal', 'vip'] });
    expect([...mapping.misfits]).toEqual(['tier']);
  });

  it('ignores inherited object properties', () => {
    expect(mappingOf([{ constructor: 'made' }]).recordOf(user()).data).toMatchObject({ made: null });
  });
});

describe('an excluded user', () => {
  const excluding = { excluded: ['b2'] };

  it.each(['b2', 'staff', 'Staff'])('is one whose membership names the audience as %s', (name) => {
    const mapping = mappingOf([], excluding);
    expect(mapping.isExcluded(user({ memberOf: ['vip', name] }))).toBe(true);
    expect(mapping.isExcluded(user())).toBe(false);
    expect(mappingOf([]).isExcluded(user({ memberOf: [name] }))).toBe(false);
  });

  it("keeps other audiences, without the job's own and without Lytics' values", () => {
    const mapping = mappingOf(
      [{ score_momentum: 'momentum' }, { tier: { field: 'tier', on_null: 'keep' } }],
      excluding,
    );
    expect(mapping.recordOf(user({ memberOf: ['vip', 'loyal', 'b2'] })).data).toEqual({
      lytics_segments: ['loyal'],
      momentum: null,
    });
  });
});
