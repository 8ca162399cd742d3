import { describe, expect, it } from 'vitest';
import { judgeField, type Verdict, type WantedField } from '../../src/gigya/schema.ts';
import type { FieldType } from '../../src/record.ts';

function judge(
  holds: WantedField['holds'],
  declared: Record<string, unknown> | undefined,
  { dynamicSchema = true, isCleared = holds === 'values' } = {},
): Verdict {
  const fields = declared ? { x: declared } : {};
  return judgeField({ field: 'x', holds, isCleared }, { dataSchema: { fields, dynamicSchema } });
}

describe('a Gigya field for a mapped value', () => {
  it.each<[declared: string, type: FieldType]>([
    ['string', 'string'],
    ['basic-string', 'string'],
    ['text', 'string'],
    ['integer', 'integer'],
    ['int', 'integer'],
    ['long', 'integer'],
    ['bigint', 'integer'],
    ['float', 'number'],
    ['double', 'number'],
    ['boolean', 'boolean'],
  ])('of type %s holds %s values', (declared, type) => {
    expect(judge('values', { type: declared })).toEqual({ type });
  });

  it.each(['date', 'binary', 'object'])('must not be of type %s', (type) => {
    expect(judge('values', { type }).fault).toBe(
      `the field data.x is declared as ${type}, which cannot hold a mapped value; declare a string, integer, float or boolean field and name it in config.mappings`,
    );
  });

  it('has, in the Data Store, the type that the ending of its name fixes', () => {
    const verdict = (field: string, fields = {}, holds: WantedField['holds'] = 'values') =>
      judgeField(
        { field, holds, isCleared: false },
        { dataSchema: { fields, dynamicSchema: true } },
        { endingsFixTypes: true },
      );
    expect(verdict('score_i')).toEqual({
      type: 'integer',
      warning: expect.stringContaining('write it themselves; declare it as {"type":"integer",'),
    });
    expect(verdict('score_f').type).toBe('number');
    expect(verdict('opted_b').type).toBe('boolean');
    expect(verdict('name_s').type).toBe('string');
    expect(verdict('score').type).toBeUndefined();
    expect(verdict('born_d').fault).toContain('declared as date, which cannot hold a mapped value');
    expect(verdict('affinities_i', {}, 'lists').fault).toContain('which cannot hold a list');
    // What is declared counts.
    expect(verdict('score_i', { score_i: { type: 'string' } }).type).toBe('string');
    expect(judge('values', undefined).type).toBeUndefined();
  });

  it('needs strings for the keys of a map', () => {
    expect(judge('lists', { type: 'string' })).toEqual({ type: 'string' });
    expect(judge('lists', { type: 'float' }).fault).toContain('declared as float, which cannot hold a list');
  });

  it('must not append to arrays', () => {
    expect(judge('values', { type: 'string', arrayOp: 'push' }).fault).toContain('config.mappings');
  });

  it('is warned of when it is not declared, and refused when the schema allows no others', () => {
    expect(judge('values', undefined)).toEqual({
      warning: expect.stringContaining('its first value decides its type; declare it as {"type":"string"'),
    });
    expect(judge('values', undefined, { dynamicSchema: false }).fault).toMatch(
      /data\.x is not in Gigya's schema, which allows no others; .*config\.mappings$/,
    );
  });

  it('is warned of when it does not allow the null that clears it', () => {
    const declared = { type: 'string', allowNull: false };
    expect(judge('values', declared).warning).toContain('"on_null": "keep"');
    expect(judge('values', declared, { isCleared: false }).warning).toBeUndefined();
  });
});

describe('the Gigya field of the audiences', () => {
  it('holds strings, and is searched', () => {
    expect(judge('audiences', { type: 'string' })).toEqual({ type: 'string' });
    expect(judge('audiences', { type: 'integer' }).fault).toContain('cannot hold audiences');
    expect(judge('audiences', { type: 'string', encrypt: 'AES' }).warning).toContain('encrypted');
    expect(judge('audiences', { type: 'string', arrayOp: 'push' }).fault).toBe(
      'the field data.x appends to arrays (arrayOp "push"), so each run would double it; declare another field and set config.gigya_field',
    );
  });
});
