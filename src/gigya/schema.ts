import { z } from 'zod';
import type { FieldType } from '../record.ts';

const schema = z.looseObject({
  fields: z
    .record(
      z.string(),
      z.looseObject({
        type: z.string().nullish(),
        arrayOp: z.string().nullish(),
        encrypt: z.unknown().optional(),
        allowNull: z.unknown().optional(),
      }),
    )
    .nullish(),
  dynamicSchema: z.boolean().nullish(),
});

export const schemaReply = z.looseObject({ dataSchema: schema.nullish(), schema: schema.nullish() });

type Declared = NonNullable<NonNullable<z.output<typeof schema>['fields']>[string]>;

/** A Gigya field that a job writes. */
export interface WantedField {
  field: string;
  /** `lists` needs a field of strings: an array has the type of its entries. */
  holds: 'audiences' | 'lists' | 'values';
  /** Whether null is written where Lytics has no value. */
  isCleared: boolean;
}

/** What the schema says about a field: an error that prevents writing it, or a warning, and its type. */
export interface Verdict {
  fault?: string;
  warning?: string;
  type?: FieldType;
}

const TYPES: Readonly<Record<string, FieldType>> = {
  string: 'string',
  'basic-string': 'string',
  text: 'string',
  integer: 'integer',
  int: 'integer',
  long: 'integer',
  bigint: 'integer',
  float: 'number',
  double: 'number',
  number: 'number',
  boolean: 'boolean',
};

const DECLARATION = '{"type":"string","writeAccess":"serverOnly"}';
const SCORE_DECLARATION = '{"type":"float","writeAccess":"serverOnly"}';

/** Determines whether a field can hold what a job writes there; that of the audiences is searched as well. */
export function judgeField(wanted: WantedField, reply: z.output<typeof schemaReply>): Verdict {
  const { fields, dynamicSchema } = reply.dataSchema ?? reply.schema ?? {};
  const declared = fields?.[wanted.field];
  return declared ? judgeDeclared(wanted, declared) : judgeUndeclared(wanted, dynamicSchema !== false);
}

function judgeUndeclared({ field, holds }: WantedField, isAllowed: boolean): Verdict {
  const [declaration, setting] =
    holds === 'values'
      ? [`${DECLARATION}, or ${SCORE_DECLARATION} for a score`, 'map it to another in config.mappings']
      : [DECLARATION, fixFor(holds)];
  if (!isAllowed) {
    return {
      fault: `the field data.${field} is not in Gigya's schema, which allows no others; declare it as ${declaration}, or ${setting}`,
    };
  }
  const decides = holds === 'values' ? ', and its first value decides its type' : '';
  return {
    warning: `The field data.${field} is not declared in Gigya's schema, so users can write it themselves${decides}; declare it as ${declaration} (in a site group, on the parent)`,
  };
}

function judgeDeclared({ field, holds, isCleared }: WantedField, declared: Declared): Verdict {
  if (declared.arrayOp === 'push') {
    return {
      fault: `the field data.${field} appends to arrays (arrayOp "push"), so each run would double it; declare another field and ${fixFor(holds)}`,
    };
  }
  const type = TYPES[declared.type ?? ''];
  const isFit = declared.type == null || (holds === 'values' ? type !== undefined : type === 'string');
  if (!isFit) {
    const [what, other] = {
      audiences: ['which cannot hold audiences', 'a string field'],
      lists: ['which cannot hold a list', 'a string field'],
      values: ['which cannot hold a mapped value', 'a string, integer, float or boolean field'],
    }[holds];
    return {
      fault: `the field data.${field} is declared as ${declared.type}, ${what}; declare ${other} and ${fixFor(holds)}`,
    };
  }
  const warning = warningFor({ field, holds, isCleared }, declared);
  return { ...(type !== undefined && { type }), ...(warning !== undefined && { warning }) };
}

function warningFor({ field, holds, isCleared }: WantedField, declared: Declared): string | undefined {
  if (holds === 'audiences' && declared.encrypt) {
    return `The field data.${field} is encrypted in Gigya, so searches may not find users by their audiences; declare a field without encryption and ${fixFor(holds)}`;
  }
  if (isCleared && declared.allowNull === false) {
    return `The field data.${field} does not allow null, so users without a value in Lytics may be refused; allow null in Gigya's schema, or set "on_null": "keep" in config.mappings`;
  }
  return undefined;
}

function fixFor(holds: WantedField['holds']): string {
  return holds === 'audiences' ? 'set config.gigya_field' : 'name it in config.mappings';
}
