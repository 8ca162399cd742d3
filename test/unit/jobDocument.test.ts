import { describe, expect, it } from 'vitest';
import { InvalidJob, isTimezone, parseJob } from '../../src/job.ts';
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
  it('needs a name, two authorizations and an audience; all else has a default', () => {
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
        on_exit: 'update',
        dry_run: false,
      },
    });
  });

  it('keeps what it says', () => {
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
        on_exit: 'keep',
        dry_run: true,
      },
    };
    expect(parseJob(full)).toEqual(full);
  });

  it('can be one of Lytics, pasted in, whatever it calls the storage', () => {
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
  ])('stores in %j, which is the %s', (written, storage) => {
    expect(parseJob(withConfig({ target_storage: written })).config.target_storage).toBe(storage);
  });

  it('names its authorizations in either order, and spaces around a text say nothing', () => {
    expect(parseJob({ ...least, name: ' VIPs ', auth_ids: ['gigya', ' lytics '] })).toMatchObject({
      name: 'VIPs',
      auth_ids: ['gigya', 'lytics'],
    });
  });

  it('read twice is the same document', () => {
    const once = parseJob(withConfig({ target_storage: 'Data Store', time_of_day: '9:05' }));
    expect(parseJob(once)).toEqual(once);
  });
});

describe('a job document is refused with its path and the fix', () => {
  const object = 'use a JSON object: {…}';
  it.each<[what: string, document: unknown, problems: string]>([
    ['no object', 'vip', `document: ${object}`],
    ['null', null, `document: ${object}`],
    ['nothing', undefined, `document: ${object}`],
    ['a list', [least], `document: ${object}`],
    ['no name', { ...least, name: undefined }, 'name: missing; use a text'],
    [
      'an empty name',
      { ...least, name: ' ' },
      'name: use a text that is not empty\nname: use a name with at least one letter or digit: the workflow id is made of it',
    ],
    ['a number for a name', { ...least, name: 5 }, 'name: use a text'],
    ['a long name', { ...least, name: 'x'.repeat(201) }, 'name: use at most 200 characters'],
    [
      'a name of dashes',
      { ...least, name: '— ! —' },
      'name: use a name with at least one letter or digit: the workflow id is made of it',
    ],
    ['a number for a description', { ...least, description: 1 }, 'description: use a text'],
    [
      'a long description',
      { ...least, description: 'x'.repeat(2001) },
      'description: use at most 2000 characters',
    ],
    [
      'no authorizations',
      { ...least, auth_ids: undefined },
      'auth_ids: missing; list the names of two authorizations: ["lytics", "gigya"]',
    ],
    [
      'a number for authorizations',
      { ...least, auth_ids: 5 },
      'auth_ids: list the names of two authorizations: ["lytics", "gigya"]',
    ],
    [
      'one authorization',
      { ...least, auth_ids: ['lytics'] },
      'auth_ids: list exactly two authorizations: one for Lytics and one for Gigya',
    ],
    [
      'three authorizations',
      { ...least, auth_ids: ['a', 'b', 'c'] },
      'auth_ids: list exactly two authorizations: one for Lytics and one for Gigya',
    ],
    [
      'one authorization twice',
      { ...least, auth_ids: ['gigya', 'gigya'] },
      'auth_ids: list two different authorizations: one for Lytics and one for Gigya',
    ],
    [
      'an empty authorization',
      { ...least, auth_ids: ['lytics', ''] },
      'auth_ids.1: use a text that is not empty',
    ],
    ['no config', { ...least, config: undefined }, `config: missing; ${object}`],
    ['a text for config', { ...least, config: 'vip' }, `config: ${object}`],
    ['no audience', { ...least, config: {} }, 'config.segment_id: missing; use a text'],
    [
      'a path for an audience',
      withConfig({ segment_id: '../../admin' }),
      'config.segment_id: use the id or the slug of a Lytics audience (letters, digits, "-", "_")',
    ],
    [
      'a long audience',
      withConfig({ segment_id: 'x'.repeat(257) }),
      'config.segment_id: use at most 256 characters',
    ],
    [
      'an ID field with a slash',
      withConfig({ gigya_id_field: 'gy/profile' }),
      'config.gigya_id_field: use the name of a Lytics user field, such as "gy_profile_id"',
    ],
    [
      'another storage',
      withConfig({ target_storage: 's3' }),
      'config.target_storage: use "account" or "data_store"',
    ],
    [
      'a number for a storage',
      withConfig({ target_storage: 1 }),
      'config.target_storage: use "account" or "data_store"',
    ],
    [
      'a text for a yes or no',
      withConfig({ continuous_update: 'true' }),
      'config.continuous_update: use true or false, without quotes',
    ],
    [
      'a number for a yes or no',
      withConfig({ dry_run: 1 }),
      'config.dry_run: use true or false, without quotes',
    ],
    [
      'an hour too many',
      withConfig({ time_of_day: '24:00' }),
      'config.time_of_day: use a 24-hour time from "00:00" to "23:59", such as "03:30"',
    ],
    [
      'twelve-hour time',
      withConfig({ time_of_day: '3:30 pm' }),
      'config.time_of_day: use a 24-hour time from "00:00" to "23:59", such as "03:30"',
    ],
    [
      'a number for a time',
      withConfig({ time_of_day: 330 }),
      'config.time_of_day: use a 24-hour time, such as "03:30"',
    ],
    [
      'a zone that is none',
      withConfig({ timezone: 'Europe/Wien' }),
      'config.timezone: "Europe/Wien" is no time zone; use an IANA name, such as "Europe/Vienna" or "UTC"',
    ],
    [
      'an offset for a zone',
      withConfig({ timezone: '+02:00' }),
      'config.timezone: "+02:00" is no time zone; use an IANA name, such as "Europe/Vienna" or "UTC"',
    ],
    [
      'a number for a zone',
      withConfig({ timezone: 2 }),
      'config.timezone: use an IANA time zone, such as "Europe/Vienna"',
    ],
    [
      'another format',
      withConfig({ audience_format: 'title' }),
      'config.audience_format: use "slug" or "id" or "name"',
    ],
    ['other audiences', withConfig({ audiences: 'private' }), 'config.audiences: use "public" or "all"'],
    [
      'a nested field',
      withConfig({ gigya_field: 'lytics.segments' }),
      'config.gigya_field: use the name of a top-level field of Gigya, such as "lytics_segments"',
    ],
    [
      'a type that would change a query',
      withConfig({ data_store_type: 'lytics WHERE 1=1' }),
      'config.data_store_type: use the name of a Data Store type, such as "lytics"',
    ],
    ['another exit', withConfig({ on_exit: 'delete' }), 'config.on_exit: use "update" or "keep"'],
    [
      'an unknown setting',
      { ...least, segment_id: 'vip' },
      'segment_id: not a known setting; remove it or correct its spelling',
    ],
    [
      'an unknown setting in config',
      withConfig({ segmentid: 'vip', Timezone: 'UTC' }),
      'config.segmentid, config.Timezone: not a known setting; remove it or correct its spelling',
    ],
  ])('%s', (_what, document, problems) => {
    expect(problemsOf(document).join('\n')).toBe(problems);
  });

  it('all at once, one line each', () => {
    const document = {
      ...least,
      auth_ids: ['lytics'],
      config: { segment_id: 'vip', dry_run: 'no', on_exit: '' },
    };
    expect(() => parseJob(document)).toThrow(
      new InvalidJob([
        'auth_ids: list exactly two authorizations: one for Lytics and one for Gigya',
        'config.on_exit: use "update" or "keep"',
        'config.dry_run: use true or false, without quotes',
      ]),
    );
    expect(new InvalidJob(['a: b', 'c: d']).message).toBe('The job document is not valid:\n  a: b\n  c: d');
  });

  it('whatever it is: by InvalidJob and by nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ name: fc.string(), config: fc.object() })),
        (document) => {
          expect(problemsOf(document)).not.toEqual([]);
        },
      ),
    );
  });
});

describe('the id of a workflow, and of its schedule', () => {
  it.each([
    ['VIPs to Gigya', 'vips-to-gigya'],
    ['  VIPs -- to/Gigya!  ', 'vips-to-gigya'],
    ['vips-to-gigya', 'vips-to-gigya'],
    ['Kärntner Café №1', 'karntner-cafe-no1'],
    ['日本のお客様', '日本のお客様'],
  ])('of %j is made of its letters and digits', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
    expect(workflowIdOf(name)).toBe(`gigya-export/${slug}`);
  });

  it('is the same for a name and its slug, and holds nothing but letters, digits and dashes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const slug = slugOf(name);
        expect(slugOf(slug)).toBe(slug);
        expect(slug).toMatch(/^([\p{L}\p{N}]+(-[\p{L}\p{N}]+)*)?$/u);
      }),
    );
  });
});

describe('a time zone', () => {
  it.each(['UTC', 'Europe/Vienna', 'America/Argentina/Buenos_Aires', 'Asia/Kathmandu'])('is %s', (name) => {
    expect(isTimezone(name)).toBe(true);
  });

  it.each(['', '+02:00', 'Vienna', 'Mars/Olympus_Mons', 'Europe/Vienna; DROP'])('is not %j', (name) => {
    expect(isTimezone(name)).toBe(false);
  });
});
