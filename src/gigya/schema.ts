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

/** Endings of Data Store field names that fix a type, declared or not. */
const ENDINGS: Readonly<Record<string, string>> = {
  _s: 'string',
  _t: 'text',
  _i: 'integer',
  _f: 'float',
  _b: 'boolean',
  _d: 'date',
};

export interface SchemaRules {
  /** Whether the ending of a field's name can fix its type, as in the Data Store. @default false */
  endingsFixTypes?: boolean;
}

const declarationOf = (type: string) => `{"type":"${type}","writeAccess":"serverOnly"}`;
const DECLARATION = declarationOf('string');
const SCORE_DECLARATION = declarationOf('float');

/** Determines whether a field can hold what a job writes there; that of the audiences is searched as well. */
export function judgeField(
  wanted: WantedField,
  reply: z.output<typeof schemaReply>,
  { endingsFixTypes = false }: SchemaRules = {},
): Verdict {
  const { fields, dynamicSchema } = reply.dataSchema ?? reply.schema ?? {};
  const declared = fields?.[wanted.field];
  const ending = endingsFixTypes ? ENDINGS[wanted.field.slice(-2)] : undefined;
  if (declared) return judgeDeclared(wanted, { ...declared, type: declared.type ?? ending });
  const { fault, type } = ending === undefined ? {} : judgeDeclared(wanted, { type: ending });
  if (fault !== undefined) return { fault };
  const verdict = judgeUndeclared(wanted, dynamicSchema !== false, ending);
  return type === undefined ? verdict : { ...verdict, type };
}

function judgeUndeclared(
  { field, holds }: WantedField,
  isAllowed: boolean,
  ending: string | undefined,
): Verdict {
  const scalar = ending ? declarationOf(ending) : `${DECLARATION}, or ${SCORE_DECLARATION} for a score`;
  const [declaration, setting] =
    holds === 'values' ? [scalar, 'map it to another in config.mappings'] : [DECLARATION, fixFor(holds)];
  if (!isAllowed) {
    return {
      fault: `the field data.${field} is not in Gigya's schema, which allows no others; declare it as ${declaration}, or ${setting}`,
    };
  }
  const decides = holds === 'values' && ending === undefined ? ', and its first value decides its type' : '';
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
