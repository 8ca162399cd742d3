import { z } from 'zod';
import type { CallOptions, Gigya } from './client.ts';
import { GigyaError } from './errors.ts';
import { lookUpQueries } from './query.ts';

/**
 * What a place in Gigya that can hold a user's audiences has to offer.
 * Writes are absolute: any number of repeats gives the same state.
 */
export interface GigyaStorage {
  /** Proves the credentials and that the field can be written. @throws {GigyaError} */
  check(options?: CallOptions): Promise<void>;
  /**
   * What Gigya's index holds for these UIDs. It may be behind by `index_lag_seconds`, and accounts
   * younger than that are missing from the map, as are UIDs that a query cannot ask for.
   */
  lookUp(uids: readonly string[], options?: CallOptions): Promise<Map<string, unknown>>;
  /** What a user holds at this moment, by a consistent read; `null` when Gigya has no such user. */
  read(uid: string, options?: CallOptions): Promise<{ held: unknown } | null>;
  /** Replaces the user's audiences. */
  write(uid: string, audiences: readonly string[], options?: CallOptions): Promise<void>;
  /** Whether Gigya refuses a write to a UID that it does not know, so that it need not be read first. */
  readonly refusesUnknown: boolean;
  /** How many users carry an audience, by the index; undefined when a query cannot ask for its name. */
  count(audience: string, options?: CallOptions): Promise<number | undefined>;
}

/** Whether what Gigya holds equals the audiences: the order says nothing, absent is empty, a double is unequal. */
export function holds(held: unknown, audiences: readonly string[]): boolean {
  if (held === undefined || held === null) return audiences.length === 0;
  if (!Array.isArray(held) || held.length !== audiences.length) return false;
  const sorted = [...held].sort();
  return [...audiences].sort().every((audience, index) => sorted[index] === audience);
}

/** A write's reply has nothing beside what each has. */
export const writeReply = z.unknown();

const dataReply = z.looseObject({ data: z.record(z.string(), z.unknown()).nullish() });

const searchReply = z.looseObject({
  results: z.array(z.object({ ...dataReply.shape, UID: z.string().optional() })).nullish(),
  totalCount: z.number().nullish(),
});

const schema = z.looseObject({
  fields: z
    .record(z.string(), z.looseObject({ type: z.string().nullish(), arrayOp: z.string().nullish() }))
    .nullish(),
  dynamicSchema: z.boolean().nullish(),
});

const schemaReply = z.looseObject({ dataSchema: schema.nullish(), schema: schema.nullish() });

/** The reads that accounts and the Data Store have in common, under their two namespaces. */
export function createReader(gigya: Gigya, namespace: 'accounts' | 'ds', field: string) {
  return {
    /** What the index holds of `field` for these UIDs, in a source (`accounts`, a Data Store type). */
    async lookUp(uids: readonly string[], source: string, condition: string, options?: CallOptions) {
      const found = new Map<string, unknown>();
      const queries = lookUpQueries(uids, `UID, data.${field}`, source, condition);
      const replies = queries.map((query) =>
        gigya.call(`${namespace}.search`, { query }, searchReply, options),
      );
      for (const { results } of await Promise.all(replies)) {
        for (const { UID, data } of results ?? []) if (UID !== undefined) found.set(UID, data?.[field]);
      }
      return found;
    },

    async count(query: string, options?: CallOptions): Promise<number | undefined> {
      const { totalCount } = await gigya.call(`${namespace}.search`, { query }, searchReply, options);
      return totalCount ?? undefined;
    },

    /** The field as one user's data holds it; `null` when Gigya refuses the user. */
    async read(method: string, params: Record<string, unknown>, options?: CallOptions) {
      try {
        const { data } = await gigya.call(method, params, dataReply, options);
        return { held: data?.[field] };
      } catch (error) {
        if (error instanceof GigyaError && (error.kind === 'unknown_uid' || error.code === 404003))
          return null;
        throw error;
      }
    },

    /** @throws {GigyaError} of kind `configuration` when the field cannot hold audiences. */
    async check(params: Record<string, unknown>, options?: CallOptions): Promise<void> {
      const method = `${namespace}.getSchema`;
      const reply = await gigya.call(method, params, schemaReply, options);
      const problem = problemWithField(field, reply.dataSchema ?? reply.schema ?? {});
      if (problem !== undefined)
        throw new GigyaError(`${method}: ${problem}`, { kind: 'configuration', method });
    },
  };
}

function problemWithField(
  field: string,
  { fields, dynamicSchema }: z.output<typeof schema>,
): string | undefined {
  const declared = fields?.[field];
  if (!declared) {
    if (dynamicSchema !== false) return undefined;
    return `the field data.${field} is not in Gigya's schema, which allows no others; declare it as {"type":"string","writeAccess":"serverOnly"}, or set config.gigya_field`;
  }
  if (declared.arrayOp === 'push') {
    return `the field data.${field} appends to arrays (arrayOp "push"), so each run would double it; declare another field and set config.gigya_field`;
  }
  if (declared.type == null || /string|text/.test(declared.type)) return undefined;
  return `the field data.${field} is declared as ${declared.type}, which cannot hold audiences; declare a string field and set config.gigya_field`;
}
