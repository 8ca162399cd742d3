import { z } from 'zod';
import { slugOf } from './names.ts';

/** Where the audiences are written: the user's account, or an object of theirs in Gigya's Data Store. */
export type Storage = 'account' | 'data_store';

// What travels into a URL path, a query or a schema may only hold characters that mean nothing there.
const IDENTIFIER = /^[A-Za-z0-9_-]+$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LYTICS_FIELD = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const storages: Record<string, Storage> = {
  account: 'account',
  data_store: 'data_store',
  // Lytics documents the form's labels but not the values behind them, so a pasted job may carry either.
  accounts: 'account',
  datastore: 'data_store',
  'data store': 'data_store',
};

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `use ${values.map((value) => `"${value}"`).join(' or ')}` });

const text = (max: number) =>
  z
    .string({ error: 'use a text' })
    .trim()
    .min(1, { error: 'use a text that is not empty' })
    .max(max, { error: `use at most ${max} characters` });

const flag = z.boolean({ error: 'use true or false, without quotes' });

const timezone = z.string({ error: 'use an IANA time zone, such as "Europe/Vienna"' }).refine(isTimezone, {
  error: (issue) =>
    `"${String(issue.input)}" is no time zone; use an IANA name, such as "Europe/Vienna" or "UTC"`,
});

const timeOfDay = z
  .string({ error: 'use a 24-hour time, such as "03:30"' })
  .regex(/^([01]?\d|2[0-3]):[0-5]\d$/, {
    error: 'use a 24-hour time from "00:00" to "23:59", such as "03:30"',
  })
  .transform((time) => time.padStart(5, '0'));

const object = (issue: { code?: string | undefined }) =>
  issue.code === 'invalid_type' ? 'use a JSON object: {…}' : undefined;

const config = z.strictObject(
  {
    segment_id: text(256).regex(IDENTIFIER, {
      error: 'use the id or the slug of a Lytics audience (letters, digits, "-", "_")',
    }),
    gigya_id_field: text(256)
      .regex(LYTICS_FIELD, { error: 'use the name of a Lytics user field, such as "gy_profile_id"' })
      .default('gy_profile_id'),
    target_storage: z
      .string({ error: 'use "account" or "data_store"' })
      .transform((value, context) => {
        const storage = storages[value.trim().toLowerCase()];
        if (storage) return storage;
        context.addIssue({ code: 'custom', message: 'use "account" or "data_store"' });
        return z.NEVER;
      })
      .default('account'),
    continuous_update: flag.default(false),
    time_of_day: timeOfDay.default('00:00'),
    timezone: timezone.default('UTC'),
    audience_format: oneOf(['slug', 'id', 'name']).default('slug'),
    audiences: oneOf(['public', 'all']).default('public'),
    gigya_field: text(128)
      .regex(FIELD, { error: 'use the name of a top-level field of Gigya, such as "lytics_segments"' })
      .default('lytics_segments'),
    data_store_type: text(128)
      .regex(FIELD, { error: 'use the name of a Data Store type, such as "lytics"' })
      .default('lytics'),
    on_exit: oneOf(['update', 'keep']).default('update'),
    dry_run: flag.default(false),
  },
  { error: object },
);

/** The job document: the one argument of the workflow `exportAudience`. See the README for each setting. */
export const jobSchema = z.strictObject(
  {
    name: text(200).refine((name) => slugOf(name) !== '', {
      error: 'use a name with at least one letter or digit: the workflow id is made of it',
    }),
    description: z
      .string({ error: 'use a text' })
      .max(2000, { error: 'use at most 2000 characters' })
      .optional(),
    auth_ids: z
      .array(text(200), { error: 'list the names of two authorizations: ["lytics", "gigya"]' })
      .length(2, { error: 'list exactly two authorizations: one for Lytics and one for Gigya' })
      .refine(([first, second]) => first !== second, {
        error: 'list two different authorizations: one for Lytics and one for Gigya',
      }),
    config,
  },
  { error: object },
);

/** A job document with every default filled in. */
export type Job = z.output<typeof jobSchema>;
export type JobConfig = Job['config'];

/** What people may write: defaults left out. */
export type JobDocument = z.input<typeof jobSchema>;

/** A job document was refused. `problems` has one line each: the path, and what to use instead. */
export class InvalidJob extends Error {
  override readonly name = 'InvalidJob';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The job document is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads a job document and fills in its defaults.
 *
 * @throws {InvalidJob} naming every path that is wrong and what to write there.
 */
export function parseJob(document: unknown): Job {
  const read = jobSchema.safeParse(document, { reportInput: true });
  if (read.success) return read.data;
  throw new InvalidJob(read.error.issues.map(describeIssue));
}

export function isTimezone(name: string): boolean {
  // Intl also takes offsets such as "+02:00", which a Temporal Schedule does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** `config.time_of_day: use a 24-hour time …`; shared with the authorizations file. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.') || 'document';
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => (issue.path.length > 0 ? `${path}.${key}` : key));
    return `${keys.join(', ')}: not a known setting; remove it or correct its spelling`;
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && issue.path.length > 0) {
    return `${path}: missing; ${issue.message}`;
  }
  return `${path}: ${issue.message}`;
}
