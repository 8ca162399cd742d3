import { z } from 'zod';
import type { FieldType, FieldTypes, Held, UserRecord } from '../record.ts';
import type { CallOptions, Gigya } from './client.ts';
import { GigyaError, misconfigured } from './errors.ts';
import { judgeField, type SchemaRules, schemaReply, type WantedField } from './schema.ts';
import type { Batch } from './search.ts';

/** What Gigya's schema says about the fields of a job. */
export interface CheckedFields {
  types: FieldTypes;
  warnings: string[];
}

/**
 * A place in Gigya that can hold records. Writes are absolute: repeats give the same state.
 * To add one, implement this interface and add it to `openStorage`.
 */
export interface GigyaStorage {
  /** Proves that the fields can be written. @throws {GigyaError} with everything that has to be changed. */
  check(fields: readonly WantedField[], options?: CallOptions): Promise<CheckedFields>;
  /**
   * What Gigya's index holds for these UIDs. It lags by up to `index_lag_seconds`; accounts younger than that
   * are missing, as are UIDs that a query cannot contain.
   */
  lookUp(uids: readonly string[], options?: CallOptions): Promise<Map<string, Held>>;
  /**
   * What a user holds at this moment, by a consistent read.
   *
   * @throws {GigyaError} with the reason `unknown_uid` when Gigya has no such user.
   */
  read(uid: string, options?: CallOptions): Promise<Held>;
  /** Writes a record; fields that it does not name stay as they are. */
  write(record: UserRecord, options?: CallOptions): Promise<unknown>;
  /** Whether Gigya rejects a write to an unknown UID, so that it need not be read first. */
  readonly refusesUnknown: boolean;
  /** Users whose `field` may hold `label`, by the index; see {@link searchByLabel}. */
  findCarriers(
    wanted: { field: string; label: string },
    cursor: string | null,
    options?: CallOptions,
  ): Promise<Batch>;
}

/** The content of a reply to a write is not used. */
export const writeReply = z.unknown();

const dataReply = z.looseObject({ data: z.record(z.string(), z.unknown()).nullish() });

/** What an account or an object holds by a consistent read. @throws {GigyaError} */
export async function readData(
  gigya: Gigya,
  method: string,
  params: Record<string, unknown>,
  options?: CallOptions,
): Promise<Held> {
  return (await gigya.call(method, params, dataReply, options)).data ?? {};
}

/** What an account holds. @throws {GigyaError} with the reason `unknown_uid` when there is none. */
export async function readAccount(gigya: Gigya, UID: string, options?: CallOptions): Promise<Held> {
  try {
    return await readData(gigya, 'accounts.getAccountInfo', { UID, include: 'data' }, options);
  } catch (error) {
    if (!(error instanceof GigyaError) || !error.isMissing) throw error;
    const { message, callId, code, answer } = error;
    const unknown = { retry: 'never', scope: 'record', reason: 'unknown_uid' } as const;
    throw new GigyaError(message, unknown, callId, { code, text: answer });
  }
}

/** @throws {GigyaError} when a field cannot hold what the job writes there. */
export async function checkSchema(
  gigya: Gigya,
  method: string,
  params: Record<string, unknown>,
  fields: readonly WantedField[],
  options?: CallOptions & SchemaRules,
): Promise<CheckedFields> {
  const schema = await gigya.call(method, params, schemaReply, options);
  return judgeFields(method, fields, schema, options);
}

/** @throws {GigyaError} when a field cannot hold what the job writes there. */
export function judgeFields(
  method: string,
  fields: readonly WantedField[],
  schema: z.output<typeof schemaReply>,
  rules?: SchemaRules,
): CheckedFields {
  const faults: string[] = [];
  const warnings: string[] = [];
  const types: Record<string, FieldType> = {};
  for (const wanted of fields) {
    const { fault, warning, type } = judgeField(wanted, schema, rules);
    if (fault !== undefined) faults.push(fault);
    if (warning !== undefined) warnings.push(warning);
    if (type !== undefined) types[wanted.field] = type;
  }
  if (faults.length > 0) throw misconfigured(`${method}: ${faults.join('; ')}`);
  return { types, warnings };
}
