import { isRecord } from './documents.ts';
import { GigyaFailure } from './envelope.ts';

export type FieldSchema = {
  type: string;
  writeAccess?: string;
  allowNull?: boolean;
  [option: string]: unknown;
};
export type Schema = { fields: Record<string, FieldSchema>; dynamicSchema: boolean };

const kinds: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  'basic-string': (value) => typeof value === 'string',
  text: (value) => typeof value === 'string',
  binary: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  int: (value) => Number.isInteger(value),
  long: (value) => Number.isInteger(value),
  bigint: (value) => Number.isInteger(value),
  float: (value) => typeof value === 'number',
  double: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  date: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
};

/** Data Store field names whose ending fixes the type. */
const suffixes: [ending: string, type: string][] = [
  ['_s', 'string'],
  ['_i', 'integer'],
  ['_f', 'float'],
  ['_t', 'text'],
  ['_b', 'boolean'],
  ['_d', 'date'],
];

export type Problem = { field: string; kind: 'undeclared' | 'type' | 'null'; message: string };

/** The leaves of a data object: a field takes the type of its array's elements. */
function leaves(data: Readonly<Record<string, unknown>>, prefix = ''): [field: string, value: unknown][] {
  return Object.entries(data).flatMap(([name, value]): [string, unknown][] => {
    const field = prefix + name;
    if (isRecord(value)) return leaves(value, `${field}.`);
    if (!Array.isArray(value)) return [[field, value]];
    return value.flatMap((one) => (isRecord(one) ? leaves(one, `${field}.`) : [[field, one]]));
  });
}

function declared(schema: Schema, field: string): FieldSchema | undefined {
  return Object.hasOwn(schema.fields, field) ? schema.fields[field] : undefined;
}

export function problemsOf(
  schema: Schema,
  data: Readonly<Record<string, unknown>>,
  fixed: 'fixed-suffixes' | 'free',
): Problem[] {
  const problems: Problem[] = [];
  const empty = Object.entries(data).filter(([, value]) => Array.isArray(value) && value.length === 0);
  for (const [field, value] of [...leaves(data), ...empty]) {
    const known = declared(schema, field);
    const ending = fixed === 'fixed-suffixes' ? suffixes.find(([end]) => field.endsWith(end)) : undefined;
    const type = known?.type ?? ending?.[1];
    if (!known && !schema.dynamicSchema) {
      problems.push({
        field,
        kind: 'undeclared',
        message: `The field "data.${field}" is not defined in the schema`,
      });
    } else if (value === null) {
      if (known?.allowNull === false)
        problems.push({ field, kind: 'null', message: `"data.${field}" cannot be null` });
    } else if (type && !Array.isArray(value) && !(kinds[type]?.(value) ?? true)) {
      problems.push({ field, kind: 'type', message: `"data.${field}" must be of type ${type}` });
    }
  }
  return problems;
}

export function refuse(problems: Problem[], undeclaredField: number): void {
  const [first] = problems;
  if (!first) return;
  const code = first.kind === 'undeclared' ? undeclaredField : 400006;
  throw new GigyaFailure(code, first.message, {
    validationErrors: problems.map(({ field, message, kind }) => ({
      errorCode: kind === 'undeclared' ? undeclaredField : 400006,
      message,
      fieldName: `data.${field}`,
    })),
  });
}

function inferred(value: unknown): string | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'double';
  return undefined;
}

/** A dynamic schema takes an undeclared field in with the type of its first value. */
export function declareNew(schema: Schema, data: Readonly<Record<string, unknown>>): void {
  if (!schema.dynamicSchema) return;
  for (const [field, value] of leaves(data)) {
    if (declared(schema, field)) continue;
    const type = inferred(value);
    if (type) schema.fields[field] = { type, writeAccess: 'serverOnly' };
  }
}

/** What `setSchema` was sent, laid over what there is; null takes a field out. */
export function mergeSchema(
  schema: Schema,
  sent: Readonly<Record<string, unknown>>,
  holdsData: (field: string) => boolean,
): Schema {
  const fields: Record<string, FieldSchema> = { ...schema.fields };
  if (sent.fields !== undefined && !isRecord(sent.fields))
    throw new GigyaFailure(400006, 'Invalid parameter value: fields');
  for (const [field, value] of Object.entries(isRecord(sent.fields) ? sent.fields : {})) {
    if (value === null) {
      delete fields[field];
      continue;
    }
    if (!isRecord(value)) throw new GigyaFailure(400006, `Invalid parameter value: fields.${field}`);
    const before = fields[field];
    const type = value.type ?? before?.type ?? 'string';
    if (typeof type !== 'string' || !Object.hasOwn(kinds, type))
      throw new GigyaFailure(400006, `Invalid parameter value: fields.${field}.type`);
    if (before && before.type !== type && holdsData(field))
      throw new GigyaFailure(400006, `The type of "${field}" cannot change: it holds data`);
    const access = value.writeAccess ?? before?.writeAccess ?? 'serverOnly';
    if (access !== 'serverOnly' && access !== 'clientModify' && access !== 'clientCreate')
      throw new GigyaFailure(400006, `Invalid parameter value: fields.${field}.writeAccess`);
    fields[field] = { ...before, ...value, type, writeAccess: access };
  }
  const dynamic = sent.dynamicSchema ?? schema.dynamicSchema;
  if (typeof dynamic !== 'boolean') throw new GigyaFailure(400006, 'Invalid parameter value: dynamicSchema');
  return { fields, dynamicSchema: dynamic };
}
