import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobSchema, parseJob } from '../../src/job.ts';
import { jobJsonSchema, settingsTable } from '../../src/jobReference.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const namesIn = (folder: string) => readdirSync(new URL(`../../${folder}`, import.meta.url));

const schema = z.fromJSONSchema(jobJsonSchema());

describe('docs/job.schema.json', () => {
  it('equals the output of "npm run schema"', () => {
    expect(read('docs/job.schema.json')).toEqual(JSON.parse(JSON.stringify(jobJsonSchema())));
  });

  const inFolder = (folder: string) => namesIn(folder).map((name) => `${folder}/${name}`);
  const examples = inFolder('examples').filter((path) => /\/job.*\.json$/.test(path));
  it.each([...examples, ...inFolder('test/fixtures/lyticsJobs')])('accepts %s', (path) => {
    const document = Object(read(path));
    expect(schema.safeParse(document.data ?? document).error).toBeUndefined();
  });

  it('accepts what parsing results in, and the short form of mappings', () => {
    const document = { name: 'VIPs', auth_ids: ['gigya'], config: { segment_id: 'vip' } };
    expect(schema.safeParse(parseJob(document)).error).toBeUndefined();
    const mapped = {
      ...document,
      config: { ...document.config, mappings: [{ a: 'b' }, { c: { field: 'd', top: null, on_null: '' } }] },
    };
    expect(schema.safeParse(mapped).error).toBeUndefined();
  });

  it.each([
    { auth_ids: ['gigya'], config: { segment_id: 'vip' } },
    { name: 'VIPs', auth_ids: ['gigya'], config: {} },
    { name: 'VIPs', auth_ids: ['gigya'], config: { segment_id: 'vip', on_exit: 'drop' } },
    { name: 'VIPs', auth_ids: ['gigya'], config: { segment_id: 'vip', onexit: 'keep' } },
    {
      name: 'VIPs',
      auth_ids: ['gigya'],
      config: { segment_id: 'vip', mappings: [{ a: { field: 'b', tops: 1 } }] },
    },
    { name: 'VIPs', auth_ids: ['gigya'], segment_id: 'vip', config: { segment_id: 'vip' } },
  ])('refuses %j', (document) => {
    expect(schema.safeParse(document).success).toBe(false);
  });
});

describe('the table of settings', () => {
  const table = settingsTable();

  it('has each setting once, with its meaning', () => {
    const { config, ...top } = jobSchema.shape;
    const settings = [...Object.keys(top), ...Object.keys(config.shape).map((key) => `config.${key}`)];
    const options = ['field', 'top', 'min', 'round', 'on_null'];
    settings.splice(
      settings.indexOf('config.mappings') + 1,
      0,
      ...options.map((option) => `config.mappings[].<Lytics field>.${option}`),
    );
    expect(table.map(({ setting }) => setting)).toEqual(settings);
    expect(table.filter(({ meaning }) => !/^\S.*\.$/.test(meaning))).toEqual([]);
  });

  it.each([
    ['name', 'string', 'required'],
    ['description', 'string', 'none'],
    ['auth_ids', 'string[]', 'required'],
    ['config.time_of_day', 'string', '"00:00"'],
    ['config.on_exit', '"update" | "keep"', '"update"'],
    ['config.max_removals', 'number', '0.2'],
    ['config.day_of_month', 'whole number', 'none'],
    ['config.dry_run', 'boolean', 'false'],
    ['config.mappings', 'object[]', '[]'],
    ['config.mappings[].<Lytics field>.field', 'string', 'required'],
    ['config.mappings[].<Lytics field>.on_null', '"clear" | "keep"', '"clear"'],
  ])('has the type and default of %s', (setting, type, value) => {
    expect(table.find((row) => row.setting === setting)).toMatchObject({ type, default: value });
  });

  it('has the defaults that parsing fills in', () => {
    const { config } = parseJob({ name: 'VIPs', auth_ids: ['gigya'], config: { segment_id: 'vip' } });
    const defaults = Object.entries(config).map(([key, value]) => [`config.${key}`, JSON.stringify(value)]);
    const documented = new Map(table.map((row) => [row.setting, row.default]));
    const differing = defaults.filter(([key = '', value]) => documented.get(key) !== value);
    expect(differing).toEqual([['config.segment_id', '"vip"']]);
  });
});
