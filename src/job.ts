import { z } from 'zod';
import { config } from './jobConfig.ts';
import { MAPPING_SHAPE } from './jobMappings.ts';
import { slugOf } from './names.ts';
import { describeProblems } from './problems.ts';
import { isEmpty, notObject, numeric, oneOf, text, timeOfDay, timezone } from './settingTypes.ts';

export type { Storage } from './jobConfig.ts';

const AUTH_IDS =
  'must list the authorization for Gigya, or it and one for Lytics: ["gigya"] or ["gigya", "lytics"]';

const QUIET_PERIOD = 'must be from 0 to less than 24 hours, so that a run can go on';

/** The job document, the only argument of the workflow `exportAudience`. docs/job.schema.json lists every setting. */
export const jobSchema = z.strictObject(
  {
    name: text(200)
      .refine((name) => slugOf(name) !== '', {
        error: 'must have at least one letter or digit, since the workflow id is made of them',
      })
      .describe('Name of the job. The workflow id is `gigya-export/` and its letters and digits.'),
    description: z
      .string({ error: 'must be a string' })
      .max(2000, { error: 'must be at most 2000 characters' })
      .optional()
      .describe('Text for people; shown in the Web UI.'),
    auth_ids: z
      .array(text(200), { error: AUTH_IDS })
      .min(1, { error: AUTH_IDS })
      .max(2, { error: AUTH_IDS })
      .refine((ids) => new Set(ids).size === ids.length, { error: 'must not list an authorization twice' })
      .describe(
        "Names of authorizations: Gigya's, or Gigya's and Lytics' in either order. With Gigya's alone, the only Lytics authorization of the worker's file is used.",
      ),
    config,
    quiet_time_of_day: timeOfDay
      .optional()
      .describe('When quiet hours begin: no page is started until they end.'),
    quiet_timezone: timezone.optional().describe('IANA time zone of `quiet_time_of_day`; UTC when left out.'),
    quiet_period: numeric(
      z
        .number({ error: 'must be a number of hours' })
        .min(0, { error: QUIET_PERIOD })
        .lt(24, { error: QUIET_PERIOD }),
    )
      .optional()
      .describe('Length of the quiet hours by the clock, in hours; 0 means none.'),
    expires_at: z.iso
      .datetime({ offset: true, error: 'must be a date and time, such as "2030-01-31T00:00:00Z"' })
      .optional()
      .describe('When the job expires: no run starts after it.'),
    status: oneOf(['paused'])
      .optional()
      .describe('`paused` creates the job paused. Other states that Lytics reports have no effect.'),
  },
  { error: notObject },
);

/** A job document with every default filled in. Histories and schedules store it, and it is parsed again from them. */
export type Job = z.output<typeof jobSchema>;
export type JobConfig = Job['config'];

/** A job document as users write it, with defaults omitted. */
export type JobDocument = z.input<typeof jobSchema>;

/** Keys of a job in Lytics' reply that describe it there; they have no effect here. */
export const READ_ONLY = [
  'id',
  'account_id',
  'workflow',
  'workflow_id',
  'user_id',
  'created',
  'updated',
  'deleted',
  'hidden',
  'verbose_logging',
  'meta',
  'monitoring',
  'anomaly_rule',
  'api_token_auth_id',
  'sleep_until',
  'tag',
  'drop_events_during_quiet_window',
] as const;

/** A job document is invalid. `problems` has one line per problem: the path and the fix. */
export class InvalidJob extends Error {
  override readonly name = 'InvalidJob';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The job document is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads a job document, as users write it or as Lytics' `GET /v2/job/gigya-export/{id}` returns it, and
 * fills in its defaults. Idempotent: its result parses to itself.
 *
 * @throws {InvalidJob} listing every problem.
 */
export function parseJob(document: unknown): Job {
  if (isListReply(document)) throw new InvalidJob(['data: must be one job, not a list of jobs']);
  const read = jobSchema.safeParse(withoutEffectless(unwrap(document)), { reportInput: true });
  if (!read.success) throw new InvalidJob(describeProblems(read.error, knownSettings));
  return read.data;
}

/** Whether a job has expired: none of its runs would start. */
export function hasExpired({ expires_at }: Pick<Job, 'expires_at'>): boolean {
  return expires_at !== undefined && Date.parse(expires_at) <= Date.now();
}

/** The keys of a job document that are set and have no effect, in the document's order. */
export function keysWithoutEffect(document: unknown): string[] {
  const job = unwrap(document);
  if (!isObject(job)) return [];
  return Object.keys(job).filter((key) => {
    if (isEmpty(job[key])) return false;
    if (QUIET.some((name) => name === key)) return Number(job[key]) !== 0 && !hasQuietHours(job);
    return (isReadOnly(key) && !isOff(job[key])) || (key === 'status' && !isPaused(job[key]));
  });
}

/** What Lytics returns where nothing is switched on: `"hidden": false`, `"meta": {}`. */
const isOff = (value: unknown): boolean =>
  value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** Quiet hours need a time and a length; each alone has no effect. */
const QUIET = ['quiet_time_of_day', 'quiet_timezone', 'quiet_period'] as const;

const hasQuietHours = (job: Record<string, unknown>): boolean =>
  !isEmpty(job['quiet_time_of_day']) && !isEmpty(job['quiet_period']) && Number(job['quiet_period']) !== 0;

/** The full name of each setting, for suggestions. */
const SETTINGS = [
  ...Object.keys(jobSchema.shape),
  ...Object.keys(config.shape).map((setting) => `config.${setting}`),
];

function knownSettings({ path }: z.core.$ZodIssue): string[] {
  const isMapping = path[0] === 'config' && path[1] === 'mappings';
  return isMapping ? Object.keys(MAPPING_SHAPE).map((setting) => [...path, setting].join('.')) : SETTINGS;
}

const isListReply = (document: unknown): boolean =>
  isObject(document) && Array.isArray(document['data']) && !('config' in document);

/** Lytics' reply has the job in `data`. */
function unwrap(document: unknown): unknown {
  const isReply = isObject(document) && isObject(document['data']) && !('config' in document);
  return isReply ? document['data'] : document;
}

/** Omits keys without effect (see {@link READ_ONLY}) and empty values: `""` and null mean the default. */
function withoutEffectless(job: unknown): unknown {
  if (!isObject(job)) return job;
  const { $schema: _editorHint, status, ...rest } = withoutEmpty(job, jobSchema.shape);
  const settings = Object.fromEntries(Object.entries(rest).filter(([key]) => !isReadOnly(key)));
  return {
    ...settings,
    ...(status !== undefined &&
      (typeof status !== 'string' || isPaused(status)) && {
        status: isPaused(status) ? 'paused' : status,
      }),
    ...('config' in rest && {
      config: isObject(rest['config']) ? withoutEmpty(rest['config'], config.shape) : rest['config'],
    }),
  };
}

function withoutEmpty(
  settings: Record<string, unknown>,
  shape: Record<string, z.ZodType>,
): Record<string, unknown> {
  const kept = ([key, value]: [string, unknown]) =>
    !(isEmpty(value) && Object.hasOwn(shape, key) && shape[key]?.safeParse(undefined).success);
  return Object.fromEntries(Object.entries(settings).filter(kept));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `pausing` is Lytics' state on the way there. */
const isPaused = (status: unknown) =>
  typeof status === 'string' && ['paused', 'pausing'].includes(status.trim().toLowerCase());

const isReadOnly = (key: string) => READ_ONLY.some((name) => name === key);
