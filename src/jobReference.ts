import { z } from 'zod';
import { jobSchema, READ_ONLY } from './job.ts';
import { config } from './jobConfig.ts';
import { MAPPING_SHAPE, mappingTarget } from './jobMappings.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;
type Shape = Readonly<Record<string, z.ZodType>>;

/** The job document as a JSON Schema, for editors; `npm run schema` writes it to docs/job.schema.json. */
export function jobJsonSchema(): JsonSchema {
  const { status, config: _config, ...top } = jobSchema.shape;
  const { enum: _paused, ...anyStatus } = schemaOf(status);
  const readOnly = { description: "A read-only key in Lytics' reply; no effect." };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Job document',
    description: 'One export of a Lytics audience to Gigya: the argument of the workflow exportAudience.',
    ...objectOf(jobSchema.shape, {
      $schema: { type: 'string', description: 'The path of this schema, for editors; no effect.' },
      ...propertiesOf(top),
      config: objectOf(config.shape, propertiesOf(config.shape)),
      status: orEmpty({ ...anyStatus, examples: ['paused'] }),
      ...Object.fromEntries(READ_ONLY.map((key) => [key, readOnly])),
    }),
  };
}

export interface SettingRow {
  /** `config.time_of_day` */
  setting: string;
  /** `string`, `"slug" | "id" | "name"`, … */
  type: string;
  /** As JSON; `required`, or `none` for an optional setting. */
  default: string;
  /** Its effect, with the unit; code in backticks. */
  meaning: string;
}

/** Every setting of the job document, in the order of the schema, for docs/reference.md. */
export function settingsTable(): SettingRow[] {
  const { config: _config, ...top } = jobSchema.shape;
  const mappings = rowsOf(MAPPING_SHAPE, 'config.mappings[].<Lytics field>.');
  return [...rowsOf(top, ''), ...rowsOf(config.shape, 'config.')].flatMap((row) =>
    row.setting === 'config.mappings' ? [row, ...mappings] : [row],
  );
}

function rowsOf(shape: Shape, prefix: string): SettingRow[] {
  return Object.entries(shape).map(([key, setting]) => {
    const schema = schemaOf(setting);
    const written = schema.default === undefined ? 'none' : JSON.stringify(schema.default);
    return {
      setting: `${prefix}${key}`,
      type: typeOf(schema),
      default: isRequired(setting) ? 'required' : written,
      meaning: schema.description ?? '',
    };
  });
}

function typeOf({ type, enum: values, items }: JsonSchema): string {
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (type === 'array') return typeof items === 'object' && 'type' in items ? `${items.type}[]` : 'array';
  return type === 'integer' ? 'whole number' : String(type);
}

function objectOf(shape: Shape, properties: Record<string, JsonSchema>): JsonSchema {
  const required = Object.keys(shape).filter((key) => shape[key] && isRequired(shape[key]));
  return { type: 'object', properties, required, additionalProperties: false };
}

function propertiesOf(shape: Shape): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(shape).map(([key, setting]) => {
      const schema = schemaOf(setting);
      return [key, isRequired(setting) ? schema : orEmpty(schema)];
    }),
  );
}

/** `""` and null mean the default. */
function orEmpty({ description = '', default: fallback, ...schema }: JsonSchema): JsonSchema {
  return {
    description,
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [schema, { enum: ['', null] }],
  };
}

function schemaOf(setting: z.ZodType): JsonSchema {
  const { $schema: _, description = '', ...schema } = z.toJSONSchema(setting, { io: 'input', override });
  const fallback = setting.safeParse(undefined).data;
  const examples = setting.meta()?.['examples'];
  return {
    ...schema,
    description,
    // zod omits these when the setting has a canonical form.
    ...(fallback !== undefined && { default: fallback }),
    ...(Array.isArray(examples) && { examples }),
  };
}

function override({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: JsonSchema }): void {
  if (zodSchema === mappingTarget) {
    const { properties = {}, required = [], ...rest } = jsonSchema;
    const options = Object.entries(properties).map(([key, option]) => [
      key,
      required.includes(key) || typeof option === 'boolean' ? option : orEmpty(option),
    ]);
    const long = { ...rest, properties: Object.fromEntries(options), required };
    for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    jsonSchema.anyOf = [{ type: 'string' }, long];
  }
  // The format is enough; the pattern is unreadable.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

const isRequired = (setting: z.ZodType): boolean => !setting.safeParse(undefined).success;
