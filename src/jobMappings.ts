import { z } from 'zod';
import { isEmpty, notObject, number, oneOf, text, wholeNumber } from './settingTypes.ts';

const FIELD = 'must be the name of a top-level field in Gigya, such as "lytics_momentum"';
const LYTICS_FIELD = 'the name of a Lytics user field has letters, digits, "_", "." and "-" only';

const gigyaField = text(128).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: FIELD });

const target = z.strictObject(
  {
    field: gigyaField.describe('The Gigya field, under `data`.'),
    top: wholeNumber(1, 1000).optional().describe('Of a map of scores: how many of the highest to keep.'),
    min: number.optional().describe('Of a map of scores: the lowest score to keep.'),
    round: number
      .positive({ error: 'must be above 0' })
      .optional()
      .describe('The step that numbers are rounded to, so that a small change rewrites no user.'),
    on_null: oneOf(['clear', 'keep'])
      .default('clear')
      .describe('When Lytics has no value: `clear` the field in Gigya or `keep` it.'),
  },
  { error: notObject },
);

/** How a Lytics field is exported. */
export type MappingTarget = z.output<typeof target>;

/** The settings of a mapping, beside the Lytics field. */
export const MAPPING_SHAPE = target.shape;

/** `"field"` is short for `{"field": "field"}`, which is the canonical form. `""` and null mean the default. */
export const mappingTarget = z.preprocess((value: string | z.input<typeof target>) => {
  if (typeof value === 'string') return { field: value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const isSet = ([key, setting]: [string, unknown]) => key === 'field' || !isEmpty(setting);
  return Object.fromEntries(Object.entries(value).filter(isSet));
}, target);

/** Lytics' own shape: a list of `{"lytics_field": "gigya_field"}`. */
export const mappings = z.array(
  z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/), mappingTarget, {
    error: (issue) => (issue.code === 'invalid_key' ? LYTICS_FIELD : notObject(issue)),
  }),
  { error: 'must be a list: [{"lytics_field": "gigya_field"}]' },
);
