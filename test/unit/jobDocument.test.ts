import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidJob, type JobDocument, jobSchema, keysWithoutEffect, parseJob } from '../../src/job.ts';
import { slugOf, workflowIdOf } from '../../src/names.ts';
import { fc } from '../support/property.ts';

/** As little as a job document needs. */
const least = { name: 'VIPs to Gigya', auth_ids: ['lytics', 'gigya'], config: { segment_id: 'vip' } };

const withConfig = (config: Record<string, unknown>) => ({
  ...least,
  config: { segment_id: 'vip', ...config },
});

function problemsOf(document: unknown): readonly string[] {
  try {
    parseJob(document);
  } catch (error) {
    if (error instanceof InvalidJob) return error.problems;
    throw error;
  }
  return [];
}

describe('a job document', () => {
  it('needs a name, an authorization and an audience; everything else has a default', () => {
    expect(parseJob(least)).toEqual({
      name: 'VIPs to Gigya',
      auth_ids: ['lytics', 'gigya'],
      config: {
        segment_id: 'vip',
        gigya_id_field: 'gy_profile_id',
        target_storage: 'account',
        continuous_update: false,
        time_of_day: '00:00',
        timezone: 'UTC',
        audience_format: 'slug',
        audiences: 'public',
        gigya_field: 'lytics_segments',
        data_store_type: 'lytics',
        dry_run: false,
        run_frequency: 'daily',
        on_exit: 'update',
        max_removals: 0.2,
        approval_hours: 48,
        lite_accounts: false,
        mappings: [],
        exclude_segment_ids: [],
        mute_webhooks: false,
      },
    });
  });

  it('keeps every setting', () => {
    const full = {
      name: 'VIPs to Gigya',
      description: 'The ones who buy',
      auth_ids: ['gigya-eu', 'lytics-main'],
      config: {
        segment_id: '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50',
        gigya_id_field: 'user.gigya-uid',
        target_storage: 'data_store',
        continuous_update: true,
        time_of_day: '03:30',
        timezone: 'Europe/Vienna',
        audience_format: 'name',
        audiences: 'all',
        gigya_field: 'audiences',
        data_store_type: 'marketing',
        dry_run: true,
        run_frequency: 'daily',
        on_exit: 'keep',
        max_removals: 500,
        approval_hours: 12,
        lite_accounts: true,
        mappings: [],
        exclude_segment_ids: [],
        mute_webhooks: false,
      },
    };
    expect(parseJob(full)).toEqual(full);
  });

  it('can be pasted from Lytics, whatever it calls the storage', () => {
    const pasted = {
      name: 'GIGYA: Export Audiences',
      description: '',
      auth_ids: ['lytics', 'gigya'],
      config: {
        segment_id: 'vip',
        gigya_id_field: 'gy_profile_id',
        target_storage: 'Data Store',
        continuous_update: true,
        time_of_day: '3:30',
        timezone: 'America/Los_Angeles',
      },
    };
    expect(parseJob(pasted).config).toMatchObject({ target_storage: 'data_store', time_of_day: '03:30' });
  });

  it.each([
    ['account', 'account'],
    ['Account', 'account'],
    ['accounts', 'account'],
    ['data_store', 'data_store'],
    ['datastore', 'data_store'],
    [' Data Store ', 'data_store'],
    ['data-store', 'data_store'],
    ['DS', 'data_store'],
  ])('reads the storage %j as %s', (written, storage) => {
    expect(parseJob(withConfig({ target_storage: written })).config.target_storage).toBe(storage);
  });

  it('names its authorizations in either order; spaces around a string are ignored', () => {
    expect(parseJob({ ...least, name: ' VIPs ', auth_ids: ['gigya', ' lytics '] })).toMatchObject({
      name: 'VIPs',
      auth_ids: ['gigya', 'lytics'],
    });
  });

  it('takes words in any case, days by their first letters, and a number of hours as text', () => {
    const words = {
      ...withConfig({ run_frequency: 'Weekly', day_of_week: 'THU', on_exit: ' Keep ', audiences: 'All' }),
      quiet_period: '7.5',
    };
    expect(parseJob(words)).toMatchObject({
      quiet_period: 7.5,
      config: { run_frequency: 'weekly', day_of_week: 'thursday', on_exit: 'keep', audiences: 'all' },
    });
    expect(problemsOf(withConfig({ run_frequency: 'weekly', day_of_week: 't' }))[0]).toMatch(/"monday", /);
    expect(problemsOf({ ...least, quiet_period: '8h' })).toEqual(['quiet_period: must be a number of hours']);
  });

  it('is the same document when it is parsed again', () => {
    const once = parseJob(withConfig({ target_storage: 'Data Store', time_of_day: '9:05' }));
    expect(parseJob(once)).toEqual(once);
  });
});

describe('a value that means the default', () => {
  it.each(['', '  ', null, undefined])('is %j, for every setting that has one', (empty) => {
    const settings = Object.keys(jobSchema.shape.config.shape).filter((key) => key !== 'segment_id');
    const config = Object.fromEntries(settings.map((key) => [key, empty]));
    const top = Object.keys(jobSchema.shape).filter((key) => !(key in least));
    const document = { ...withConfig(config), ...Object.fromEntries(top.map((key) => [key, empty])) };
    expect(parseJob(document)).toEqual(parseJob(least));
    expect(keysWithoutEffect(document)).toEqual([]);
  });

  it.each(['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00+00:00'])(
    'is the zero time %s',
    (zero) => {
      expect(parseJob({ ...least, expires_at: zero, created: zero })).toEqual(parseJob(least));
    },
  );

  it('is the same in the options of a mapping', () => {
    const options = { field: 'b', top: null, min: '', round: null, on_null: '' };
    expect(parseJob(withConfig({ mappings: [{ a: options }] })).config.mappings).toEqual([
      { a: { field: 'b', on_null: 'clear' } },
    ]);
  });

  it('is not accepted for a setting that is required or unknown', () => {
    expect(problemsOf({ ...least, name: null })).toEqual(['name: must be a string']);
    expect(problemsOf(withConfig({ nothing: null }))).toEqual(['config.nothing: unknown setting; remove it']);
  });
});

describe("a job as Lytics' API returns it", () => {
  const readOnly = {
    id: '0a1b',
    workflow: 'gigya-export',
    hidden: true,
    monitoring: null,
    meta: {},
    deleted: false,
  };

  it('is read from the envelope of the reply, without its read-only keys', () => {
    const reply = { status: 200, request_id: 'r', data: { ...least, ...readOnly, status: 'running' } };
    expect(parseJob(reply)).toEqual(parseJob(least));
    expect(keysWithoutEffect(reply)).toEqual(['id', 'workflow', 'hidden', 'status']);
  });

  it.each([
    ['paused', 'paused'],
    ['pausing', 'paused'],
    ['fault-3', undefined],
    ['completed', undefined],
  ])('with the state %s has the status %s', (state, status) => {
    expect(parseJob({ data: { ...least, status: state } }).status).toBe(status);
  });

  it('has no effect with only a quiet time zone', () => {
    expect(keysWithoutEffect({ ...least, quiet_timezone: 'UTC', quiet_period: 0 })).toEqual([
      'quiet_timezone',
    ]);
  });

  it('names its problems by their path inside the envelope', () => {
    expect(problemsOf({ data: { ...least, name: 5 } })).toEqual(['name: must be a string']);
  });

  it.each([undefined, null, 5, 'vip', []])('has no keys without effect where it is %j', (document) => {
    expect(keysWithoutEffect(document)).toEqual([]);
  });
});

describe('a job document is refused with its path and the fix', () => {
  const object = 'must be a JSON object: {…}';
  const authIds =
    'must list the authorization for Gigya, or it and one for Lytics: ["gigya"] or ["gigya", "lytics"]';
  const time = 'config.time_of_day: must be a time of day, such as "03:30" or "3:30 AM"';
  const zone = (name: string) =>
    `config.timezone: "${name}" is not a time zone; use an IANA name, such as "Europe/Vienna" or "UTC"`;
  const flag = 'must be true or false, without quotes';
  const removals = 'config.max_removals: must be a share below 1, such as 0.2, or a whole number of users';
  it.each<[what: string, document: unknown, problems: string]>([
    ['a string', 'vip', `document: ${object}`],
    ['null', null, `document: ${object}`],
    ['nothing', undefined, `document: ${object}`],
    ['a list', [least], `document: ${object}`],
    ['the reply with all jobs', { data: [least] }, 'data: must be one job, not a list of jobs'],
    ['no name', { ...least, name: undefined }, 'name: missing; it must be a string'],
    ['an empty name', { ...least, name: ' ' }, 'name: must not be empty'],
    ['a number as name', { ...least, name: 5 }, 'name: must be a string'],
    ['a long name', { ...least, name: 'x'.repeat(201) }, 'name: must be at most 200 characters'],
    [
      'a name of dashes',
      { ...least, name: '— ! —' },
      'name: must have at least one letter or digit, since the workflow id is made of them',
    ],
    ['a number as description', { ...least, description: 1 }, 'description: must be a string'],
    [
      'a long description',
      { ...least, description: 'x'.repeat(2001) },
      'description: must be at most 2000 characters',
    ],
    ['no authorizations', { ...least, auth_ids: undefined }, `auth_ids: missing; it ${authIds}`],
    ['an empty list of authorizations', { ...least, auth_ids: [] }, `auth_ids: ${authIds}`],
    ['an empty string as authorizations', { ...least, auth_ids: '' }, `auth_ids: ${authIds}`],
    ['a number as authorizations', { ...least, auth_ids: 5 }, `auth_ids: ${authIds}`],
    ['three authorizations', { ...least, auth_ids: ['a', 'b', 'c'] }, `auth_ids: ${authIds}`],
    [
      'one authorization twice',
      { ...least, auth_ids: ['gigya', 'gigya'] },
      'auth_ids: must not list an authorization twice',
    ],
    ['an empty authorization', { ...least, auth_ids: ['lytics', ''] }, 'auth_ids.1: must not be empty'],
    ['no config', { ...least, config: undefined }, `config: missing; it ${object}`],
    ['a string as config', { ...least, config: 'vip' }, `config: ${object}`],
    ['no audience', { ...least, config: {} }, 'config.segment_id: missing; it must be a string'],
    [
      'a path as audience',
      withConfig({ segment_id: '../../admin' }),
      'config.segment_id: must be the id or the slug of a Lytics audience (letters, digits, "-", "_")',
    ],
    [
      'a long audience',
      withConfig({ segment_id: 'x'.repeat(257) }),
      'config.segment_id: must be at most 256 characters',
    ],
    [
      'an ID field with a slash',
      withConfig({ gigya_id_field: 'gy/profile' }),
      'config.gigya_id_field: must be the name of a Lytics user field, such as "gy_profile_id"',
    ],
    [
      'another storage',
      withConfig({ target_storage: 's3' }),
      'config.target_storage: must be "account" or "data_store"',
    ],
    [
      'a number as storage',
      withConfig({ target_storage: 1 }),
      'config.target_storage: must be "account" or "data_store"',
    ],
    ['a string as flag', withConfig({ continuous_update: 'true' }), `config.continuous_update: ${flag}`],
    ['a number as flag', withConfig({ dry_run: 1 }), `config.dry_run: ${flag}`],
    ['an hour that does not exist', withConfig({ time_of_day: '24:00' }), time],
    ['a number as time', withConfig({ time_of_day: 330 }), time],
    ['an unknown zone', withConfig({ timezone: 'Europe/Wien' }), zone('Europe/Wien')],
    ['an offset as zone', withConfig({ timezone: '+02:00' }), zone('+02:00')],
    [
      'a number as zone',
      withConfig({ timezone: 2 }),
      'config.timezone: must be an IANA time zone, such as "Europe/Vienna"',
    ],
    [
      'another format',
      withConfig({ audience_format: 'title' }),
      'config.audience_format: must be "slug", "id" or "name"',
    ],
    ['other audiences', withConfig({ audiences: 'private' }), 'config.audiences: must be "public" or "all"'],
    [
      'a nested field',
      withConfig({ gigya_field: 'lytics.segments' }),
      'config.gigya_field: must be the name of a top-level field in Gigya, such as "lytics_segments"',
    ],
    [
      'a type that would change a query',
      withConfig({ data_store_type: 'lytics WHERE 1=1' }),
      'config.data_store_type: must be the name of a Data Store type, such as "lytics"',
    ],
    ['another exit', withConfig({ on_exit: 'delete' }), 'config.on_exit: must be "update" or "keep"'],
    ['a negative guard', withConfig({ max_removals: -1 }), 'config.max_removals: must be 0 or more'],
    ['a share above 1', withConfig({ max_removals: 1.5 }), removals],
    ['a string as guard', withConfig({ max_removals: '20%' }), 'config.max_removals: must be a number'],
    [
      'a wait of months',
      withConfig({ approval_hours: 721 }),
      'config.approval_hours: must be from 0 to 720 hours',
    ],
    [
      'a day without its frequency',
      withConfig({ day_of_week: 'monday', day_of_month: 3 }),
      'config.day_of_week: needs run_frequency "weekly"; set it, or remove day_of_week\nconfig.day_of_month: needs run_frequency "monthly"; set it, or remove day_of_month',
    ],
    [
      'a day that does not exist',
      withConfig({ run_frequency: 'monthly', day_of_month: 32 }),
      'config.day_of_month: must be a whole number from 1 to 31',
    ],
    [
      'quiet hours that never end',
      { ...least, quiet_period: 24 },
      'quiet_period: must be from 0 to less than 24 hours, so that a run can go on',
    ],
    [
      'a date that is none',
      { ...least, expires_at: 'tomorrow' },
      'expires_at: must be a date and time, such as "2030-01-31T00:00:00Z"',
    ],
    ['a number as status', { ...least, status: 5 }, 'status: must be "paused"'],
    [
      'a setting in the wrong place',
      { ...least, segment_id: 'vip' },
      'segment_id: unknown setting; did you mean config.segment_id?',
    ],
    [
      'misspelt settings in the wrong place',
      { ...least, mapping: [], quiet_time: '21:00', storage: 'account' },
      'mapping: unknown setting; did you mean config.mappings?\nquiet_time: unknown setting; did you mean quiet_time_of_day?\nstorage: unknown setting; did you mean config.target_storage?',
    ],
    [
      'a misspelt option of a mapping',
      withConfig({ mappings: [{ lytics_content: { field: 'affinities', tops: 3, sparkle: 1 } }] }),
      'config.mappings.0.lytics_content.tops: unknown setting; did you mean config.mappings.0.lytics_content.top?\nconfig.mappings.0.lytics_content.sparkle: unknown setting; remove it',
    ],
    [
      'misspelt settings',
      { ...withConfig({ segmentid: 'vip', Timezone: 'UTC', retries: 3 }), auth_id: ['gigya'] },
      'config.segmentid: unknown setting; did you mean config.segment_id?\nconfig.Timezone: unknown setting; did you mean config.timezone?\nconfig.retries: unknown setting; remove it\nauth_id: unknown setting; did you mean auth_ids?',
    ],
  ])('%s', (_what, document, problems) => {
    expect(problemsOf(document).join('\n')).toBe(problems);
  });

  it('with all problems at once, one line each', () => {
    const document = { ...least, auth_ids: [], config: { segment_id: 'vip', dry_run: 'no', on_exit: 'x' } };
    expect(() => parseJob(document)).toThrow(
      new InvalidJob([
        `auth_ids: ${authIds}`,
        `config.dry_run: ${flag}`,
        'config.on_exit: must be "update" or "keep"',
      ]),
    );
    expect(new InvalidJob(['a: b', 'c: d']).message).toBe('The job document is not valid:\n  a: b\n  c: d');
  });

  it('with InvalidJob only, whatever it contains', () => {
    const documents = fc.oneof(fc.jsonValue(), fc.record({ name: fc.string(), config: fc.object() }));
    fc.assert(
      fc.property(documents, (document) => {
        expect(problemsOf(document)).not.toEqual([]);
      }),
    );
  });
});

describe('settings of the schedule and quiet hours', () => {
  it('are kept, with times in their canonical form', () => {
    const document = {
      ...withConfig({ run_frequency: 'weekly', day_of_week: 'monday' }),
      status: 'Paused',
      quiet_time_of_day: '9:00 PM',
      quiet_timezone: 'europe/vienna',
      quiet_period: 8,
      expires_at: '2030-01-31T00:00:00+01:00',
    };
    expect(parseJob(document)).toMatchObject({
      status: 'paused',
      quiet_time_of_day: '21:00',
      quiet_timezone: 'Europe/Vienna',
      quiet_period: 8,
      expires_at: '2030-01-31T00:00:00+01:00',
      config: { run_frequency: 'weekly', day_of_week: 'monday' },
    });
    expect(keysWithoutEffect(document)).toEqual([]);
  });

  it('have no effect without the setting that they need', () => {
    expect(keysWithoutEffect({ ...least, quiet_time_of_day: '21:00', quiet_timezone: 'UTC' })).toEqual([
      'quiet_time_of_day',
      'quiet_timezone',
    ]);
    expect(keysWithoutEffect({ ...least, quiet_period: 8 })).toEqual(['quiet_period']);
  });

  it('are accepted with the value that means the default', () => {
    const document = {
      ...withConfig({ run_frequency: 'daily', mappings: [], exclude_segment_ids: [], mute_webhooks: false }),
      quiet_period: 0,
      expires_at: '0001-01-01T00:00:00Z',
    };
    expect(parseJob(document)).toEqual({ ...parseJob(least), quiet_period: 0 });
  });
});

describe('mappings', () => {
  const { mappings } = jobSchema.shape.config.shape;
  const problems = (value: unknown) =>
    mappings.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

  it('take a field, or a field and how to map it', () => {
    const target = { field: 'lytics_affinities', top: 10, min: 0.1, round: 0.05, on_null: 'keep' };
    const read = mappings.parse([{ score_momentum: 'lytics_momentum' }, { lytics_content: target }]);
    expect(read).toEqual([
      { score_momentum: { field: 'lytics_momentum', on_null: 'clear' } },
      { lytics_content: target },
    ]);
    expect(mappings.parse(read)).toEqual(read);
  });

  it('are refused with the fix', () => {
    expect(problems({ a: 'b' })).toEqual([': must be a list: [{"lytics_field": "gigya_field"}]']);
    expect(problems([{ 'a b': 'c' }])?.[0]).toContain('the name of a Lytics user field has letters');
    expect(problems([{ a: 'b.c' }])?.[0]).toContain('0.a.field: must be the name of a top-level field');
    expect(problems([{ a: 5 }])).toEqual(['0.a: must be a JSON object: {…}']);
    expect(problems([{ a: { field: 'b', round: 0 } }])).toEqual(['0.a.round: must be above 0']);
  });

  it('may not write a Gigya field twice', () => {
    expect(problemsOf(withConfig({ mappings: [{ a: 'b' }, { c: 'b' }] }))).toEqual([
      'config.mappings: two values for the Gigya field "b"; map one of them to another',
    ]);
    expect(problemsOf(withConfig({ mappings: [{ a: 'lytics_segments' }] }))).toHaveLength(1);
  });
});

describe('a parsed job document', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.constantFrom('', null));
  const config = fc.record(
    {
      segment_id: fc.constantFrom('vip', ' vip ', '4cd9d2a6'),
      target_storage: maybe(fc.constantFrom('account', 'Data Store', 'DATASTORE')),
      continuous_update: maybe(fc.boolean()),
      time_of_day: maybe(fc.constantFrom('7:15', '2:00am', '12 PM', '23:59')),
      timezone: maybe(fc.constantFrom('utc', 'europe/berlin', 'Asia/Kolkata', 'america/new_york')),
      max_removals: maybe(fc.oneof(fc.nat(), fc.double({ min: 0, max: 0.99, noNaN: true }))),
      approval_hours: maybe(fc.nat({ max: 720 })),
      on_exit: maybe(fc.constantFrom('update', 'keep')),
      mappings: maybe(fc.constantFrom([], [{ score: 'score' }], [{ a: { field: 'b', top: 3 } }])),
      exclude_segment_ids: maybe(fc.constantFrom([], ['staff', ' staff '])),
    },
    { requiredKeys: ['segment_id'] },
  );
  const jobs = fc.record(
    {
      name: fc
        .string({ minLength: 1, maxLength: 50, unit: 'grapheme' })
        .filter((name) => slugOf(name) !== ''),
      auth_ids: fc.constantFrom(['gigya'], ['lytics', ' gigya ']),
      config,
      description: maybe(fc.string()),
      status: maybe(fc.constantFrom('running', 'sleeping', 'completed', 'Paused')),
      quiet_time_of_day: maybe(fc.constantFrom('9pm', '21:00')),
      quiet_timezone: maybe(fc.constant('utc')),
      quiet_period: maybe(fc.nat({ max: 23 })),
      expires_at: maybe(fc.constantFrom('2030-01-31T00:00:00Z', '2030-01-31T00:00:00.5+02:00')),
      id: fc.string(),
      $schema: fc.constant('docs/job.schema.json'),
    },
    { requiredKeys: ['name', 'auth_ids', 'config'] },
  );
  const documents = fc.oneof(
    jobs,
    jobs.map((data) => ({ data, status: 200 })),
  );

  it('parses to itself, also after it was stored as JSON: schedules compare and run what they store', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const once = parseJob(document);
        expect(isDeepStrictEqual(parseJob(once), once)).toBe(true);
        expect(isDeepStrictEqual(parseJob(JSON.parse(JSON.stringify(once))), once)).toBe(true);
      }),
    );
  });

  it('is a document that people may write', () => {
    const document: JobDocument = parseJob(least);
    expect(document.name).toBe('VIPs to Gigya');
  });
});

describe('the id of a workflow and its schedule', () => {
  it.each([
    ['VIPs to Gigya', 'vips-to-gigya'],
    ['  VIPs -- to/Gigya!  ', 'vips-to-gigya'],
    ['vips-to-gigya', 'vips-to-gigya'],
    ['Kärntner Café №1', 'kärntner-café-no1'],
    ['Ka\u0308rntner', 'kärntner'],
    ['日本のお客様', '日本のお客様'],
    ['❤️ VIPs', 'vips'],
    ['VIPs ❤️', 'vips'],
    ['ＶＩＰ', 'vip'],
    ['VIP 1\ufe0f\u20e3', 'vip-1\u20e3'],
  ])('of %j consists of its letters and digits', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
    expect(workflowIdOf(name)).toBe(`gigya-export/${slug}`);
  });

  it.each([
    ['パス', 'ハス'],
    ['कि', 'की'],
    ['schon', 'schön'],
    ['עִבְרִית', 'עֲבָרִית'],
  ])('distinguishes %s from %s', (one, other) => {
    expect(slugOf(one)).not.toBe(slugOf(other));
  });

  it('is the same for a name and its slug, and holds only letters with their marks, digits and dashes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const slug = slugOf(name);
        expect(slugOf(slug)).toBe(slug);
        expect(slug).toMatch(/^([\p{L}\p{N}][\p{L}\p{M}\p{N}]*(-[\p{L}\p{N}][\p{L}\p{M}\p{N}]*)*)?$/u);
      }),
      { numRuns: 1000 },
    );
  });
});
