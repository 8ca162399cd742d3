import { z } from 'zod';
import { readCount } from '../numbers.ts';

const truth = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || undefined);

/** Absent, -1 or wrong: only for display and for comparing, never for deciding what to read. */
export const count = z.unknown().optional().transform(readCount);

export const audienceSchema = z.looseObject({
  id: z.string(),
  slug_name: z.string(),
  name: optionalText,
  /** Set by a person; it survives changes of the slug, and rows may contain it. */
  public_name: optionalText,
  is_public: truth.nullish().transform((value) => value ?? true),
  size: count,
});

/** An audience ("segment") as Lytics lists it. */
export type Audience = z.output<typeof audienceSchema>;

/** One user in an audience: a flat profile. */
export type Row = Record<string, unknown>;

/** Accepted as it is, without copying field by field: rows are most of what Lytics sends. */
export const rowSchema = z.custom<Row>(
  (row) => typeof row === 'object' && row !== null && !Array.isArray(row),
);

export const scanReply = z.looseObject({
  // A null among the rows must not hide the others: it counts as a user without an ID.
  data: z.array(rowSchema.nullable().transform((row) => row ?? {})).nullish(),
  _next: z.union([z.string(), z.number().transform(String)]).nullish(),
  total: count,
});

export const audiencesReply = z.looseObject({ data: z.array(z.unknown()) });

export const audienceReply = z.looseObject({ data: audienceSchema });

export const profileReply = z.looseObject({ message: z.string().nullish(), data: rowSchema.nullish() });

const jobText = z.string().nullish().catch(undefined);

/** What a list shows of a job; only the id is needed to read the rest. */
export const jobSchema = z.looseObject({
  id: z.string().min(1),
  name: jobText,
  status: jobText,
  workflow: jobText,
  deleted: truth.nullish().catch(undefined),
  config: z
    .looseObject({ segment_id: jobText, continuous_update: truth.nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
});

/** A job of Lytics' workflow `gigya-export`, as Lytics lists it. */
export type LyticsJob = z.output<typeof jobSchema>;

export const jobsReply = z.looseObject({ data: z.array(z.unknown()).nullish() });

export const jobReply = z.looseObject({ data: z.record(z.string(), z.unknown()) });

const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);

/** What replies have in common. The status can arrive as a string, beside an HTTP 200. */
export const envelope = z.looseObject({
  status: numeric.nullish().catch(undefined),
  message: z.string().nullish().catch(undefined),
  errors: z
    .array(z.looseObject({ message: z.string().nullish() }))
    .nullish()
    .catch(undefined),
});
