import { z } from 'zod';
import { mappings } from './jobMappings.ts';
import {
  alternatives,
  flag,
  notObject,
  number,
  oneOf,
  text,
  timeOfDay,
  timezone,
  wholeNumber,
} from './settingTypes.ts';

/** Where memberships are written: the user's account, or the user's object in Gigya's Data Store. */
export type Storage = 'account' | 'data_store';

// Only characters that are not special in a URL path, a query or a schema.
const AUDIENCE_ID = /^[A-Za-z0-9_-]+$/;
const GIGYA_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LYTICS_FIELD = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const storages: Record<string, Storage> = {
  account: 'account',
  datastore: 'data_store',
  // Lytics documents the labels in its form but not the values behind them, so a job may contain either.
  accounts: 'account',
  ds: 'data_store',
};

const STORAGE = `must be ${alternatives(['account', 'data_store'])}`;

const storage = z.string({ error: STORAGE }).transform((value, context) => {
  const found = storages[value.toLowerCase().replace(/[\s_-]/g, '')];
  if (found) return found;
  context.addIssue({ code: 'custom', message: STORAGE });
  return z.NEVER;
});

const audience = text(256).regex(AUDIENCE_ID, {
  error: 'must be the id or the slug of a Lytics audience (letters, digits, "-", "_")',
});

const gigyaName = (what: string, example: string) =>
  text(128).regex(GIGYA_NAME, { error: `must be the name of ${what}, such as "${example}"` });

export const FREQUENCIES = ['hourly', 'daily', 'weekly', 'monthly'] as const;
export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/** `mon`, `tues`, `thursday` */
const isDay = (word: string, day: string) => word.length >= 3 && day.startsWith(word);

/** The settings of a job. The settings of Lytics' own `gigya-export` come first, then this project's. */
export const config = z
  .strictObject(
    {
      segment_id: audience.describe('The audience whose members are exported: its id or slug.'),
      gigya_id_field: text(256)
        .regex(LYTICS_FIELD, { error: 'must be the name of a Lytics user field, such as "gy_profile_id"' })
        .default('gy_profile_id')
        .describe('The Lytics user field that holds the Gigya UID.'),
      target_storage: storage.default('account').meta({
        examples: ['account', 'data_store'],
        description: 'Where to write: `account`, or `data_store` for the Data Store.',
      }),
      continuous_update: flag
        .default(false)
        .describe('`true` repeats the export on a schedule; `false` runs it once.'),
      time_of_day: timeOfDay.default('00:00').meta({
        examples: ['03:30', '3:30 AM'],
        description: 'When scheduled runs start, in `timezone`: `03:30` or `3:30 AM`.',
      }),
      timezone: timezone.default('UTC').describe('IANA time zone of `time_of_day`, such as `Europe/Vienna`.'),
      audience_format: oneOf(['slug', 'id', 'name'])
        .default('slug')
        .describe('What an audience is called in Gigya: its slug, id or name.'),
      audiences: oneOf(['public', 'all'])
        .default('public')
        .describe("The audiences to write: `public` (open to Lytics' API) or `all`."),
      gigya_field: gigyaName('a top-level field in Gigya', 'lytics_segments')
        .default('lytics_segments')
        .describe('The Gigya field, under `data`, that holds the audiences.'),
      data_store_type: gigyaName('a Data Store type', 'lytics')
        .default('lytics')
        .describe('The type of the Data Store objects, with `target_storage` `data_store`.'),
      dry_run: flag.default(false).describe('`true` reports what would change and writes nothing.'),
      run_frequency: oneOf(FREQUENCIES)
        .default('daily')
        .describe('How often scheduled runs start, with `continuous_update`.'),
      day_of_week: oneOf(DAYS, isDay)
        .optional()
        .describe(
          'The day of weekly runs, with `run_frequency` `weekly`: `monday` (used when left out) or `mon`.',
        ),
      day_of_month: wholeNumber(1, 31)
        .optional()
        .describe('The day of monthly runs, 1 (used when left out) to 31, with `run_frequency` `monthly`.'),
      on_exit: oneOf(['update', 'keep'])
        .default('update')
        .describe('`update` corrects users who left the audience; `keep` leaves them as they are in Gigya.'),
      max_removals: number
        .min(0, { error: 'must be 0 or more' })
        .refine((value) => value < 1 || Number.isInteger(value), {
          error: 'must be a share below 1, such as 0.2, or a whole number of users',
        })
        .default(0.2)
        .describe(
          'The most removals a run makes without approval: below 1 a share of the users who carry the audience in Gigya (it applies only when at least 100 carry it), from 1 a number of users; 0 guards every removal.',
        ),
      approval_hours: number
        .min(0, { error: 'must be from 0 to 720 hours' })
        .max(720, { error: 'must be from 0 to 720 hours' })
        .default(48)
        .describe('How long a run waits for the approval of its removals before it fails, in hours.'),
      lite_accounts: flag
        .default(false)
        .describe(
          '`true` when the audience may hold lite accounts, which have no account to write to: unknown UIDs then do not indicate a wrong ID field.',
        ),
      mappings: mappings
        .default([])
        .describe(
          'Further Lytics fields to export, each to a Gigya field: `{"score_momentum": "lytics_momentum"}`, or `{"lytics_content": {"field": "lytics_affinities", "top": 10}}`.',
        ),
      exclude_segment_ids: z
        .array(audience, { error: 'must list the ids or slugs of audiences: ["employees"]' })
        .transform((ids) => [...new Set(ids)])
        .default([])
        .describe('Audiences whose members are not exported: their ids or slugs.'),
      mute_webhooks: flag
        .default(false)
        .describe("`true` keeps the writes from firing Gigya's accountUpdated webhooks."),
    },
    { error: notObject },
  )
  .superRefine((value, context) => {
    const refuse = (setting: string, message: string) =>
      context.addIssue({ code: 'custom', path: [setting], message });
    const days = { day_of_week: 'weekly', day_of_month: 'monthly' } as const;
    for (const [setting, frequency] of Object.entries(days)) {
      if (setting in value && value.run_frequency !== frequency) {
        refuse(setting, `needs run_frequency "${frequency}"; set it, or remove ${setting}`);
      }
    }
    const fields = value.mappings.flatMap((mapping) => Object.values(mapping).map(({ field }) => field));
    const taken = [value.gigya_field, ...fields];
    const twice = taken.find((field, position) => taken.indexOf(field) < position);
    if (twice !== undefined)
      refuse('mappings', `two values for the Gigya field "${twice}"; map one of them to another`);
  });
