import { expect, test } from 'vitest';
import { createState } from '../../../sandbox/apply.ts';
import { defaultPopulation } from '../../../sandbox/population/options.ts';
import { settingsSchema } from '../../../sandbox/settings.ts';

const fieldsWith = (settings: unknown) => {
  const state = createState(defaultPopulation({ users: 1 }), settingsSchema.parse(settings), () => 0);
  return [state.gigya.dataSchema.fields, state.store('lytics').schema.fields];
};

test('the schemas declare the field of the audiences by default', () => {
  const declared = { lytics_segments: { type: 'string', writeAccess: 'serverOnly' } };
  expect(fieldsWith({})).toEqual([declared, declared]);
  expect(fieldsWith({ gigya: { declaresField: false } })).toEqual([{}, {}]);
});
