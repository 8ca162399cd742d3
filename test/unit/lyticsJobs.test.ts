import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Job, jobSchema, keysWithoutEffect, parseJob, READ_ONLY } from '../../src/job.ts';

// Jobs as Lytics' API returns them, with made-up values: keys and types are those of its OpenAPI documents.
const folder = new URL('../fixtures/lyticsJobs/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

const SEGMENT = '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50';
const GIGYA = 'd3d9446802a44259755d38e6d163e820';
const inReply = ['id', 'account_id', 'workflow', 'workflow_id', 'status', 'user_id', 'created', 'updated'];

type Expected = Partial<Omit<Job, 'config'>> & { config: Partial<Job['config']> };

const accepted: Record<string, { job: Expected; withoutEffect: string[] }> = {
  running: {
    job: {
      name: 'GIGYA: Export Audiences',
      auth_ids: [GIGYA],
      config: {
        segment_id: SEGMENT,
        gigya_id_field: 'gy_profile_id',
        target_storage: 'account',
        continuous_update: true,
        time_of_day: '02:00',
        timezone: 'Europe/Vienna',
      },
    },
    withoutEffect: [...inReply, 'tag'],
  },
  defaults: {
    job: {
      config: {
        segment_id: SEGMENT,
        gigya_id_field: 'gy_profile_id',
        target_storage: 'account',
        continuous_update: false,
        time_of_day: '00:00',
        timezone: 'UTC',
      },
    },
    withoutEffect: inReply,
  },
  dataStore: {
    job: {
      name: 'VIPs to the Data Store',
      description: 'Nightly',
      config: { target_storage: 'data_store', time_of_day: '23:30', timezone: 'America/Los_Angeles' },
    },
    withoutEffect: inReply,
  },
  sleeping: {
    job: { quiet_timezone: 'UTC', config: { time_of_day: '02:00' } },
    withoutEffect: [...inReply, 'sleep_until', 'quiet_timezone'],
  },
  created: {
    job: {
      name: 'VIPs to Gigya',
      config: { segment_id: 'vip', target_storage: 'account', time_of_day: '14:00' },
    },
    withoutEffect: [],
  },
  paused: { job: { status: 'paused', config: {} }, withoutEffect: inReply.filter((key) => key !== 'status') },
  quietHours: {
    job: { quiet_time_of_day: '21:00', quiet_timezone: 'Europe/Vienna', quiet_period: 8, config: {} },
    withoutEffect: inReply,
  },
  expiring: { job: { expires_at: '2030-01-31T00:00:00Z', config: {} }, withoutEffect: inReply },
  mapped: {
    job: {
      config: { mappings: [{ score_momentum: { field: 'lytics_momentum', on_null: 'clear' } }] },
    },
    withoutEffect: inReply,
  },
};

describe("a job of Lytics' API", () => {
  it.each(Object.entries(accepted))('runs unchanged: %s', (name, { job, withoutEffect }) => {
    const parsed = parseJob(fixture(name));
    expect(parsed).toMatchObject(job);
    expect(Object.keys(parsed).filter((key) => !(key in jobSchema.shape))).toEqual([]);
    expect(keysWithoutEffect(fixture(name)).sort()).toEqual([...withoutEffect].sort());
  });

  it('has every fixture in this table', () => {
    const files = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    expect(files.sort()).toEqual(Object.keys(accepted).sort());
  });
});

describe('docs/lytics-jobs.md', () => {
  const page = readFileSync(new URL('../../docs/lytics-jobs.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, keys = '']) =>
    [...keys.matchAll(/`([^`]+)`/g)].map(([, key]) => key),
  );

  it("has a row for each key of Lytics' job", () => {
    const keys = ['running', 'created'].flatMap((name) => {
      const document = Object(fixture(name));
      const job = document.data ?? document;
      return [...Object.keys(job), ...Object.keys(job.config).map((key) => `config.${key}`)];
    });
    const expected = new Set([...keys, ...READ_ONLY].filter((key) => key !== 'config'));
    expect([...expected].filter((key) => !rows.includes(key))).toEqual([]);
  });

  it('has each row once', () => {
    expect(rows.filter((key, position) => rows.indexOf(key) < position)).toEqual([]);
  });
});
