import { describe, expect, it } from 'vitest';
import {
  checkExcluded,
  checkMapped,
  checkWebhooks,
  findExcluded,
} from '../../src/activities/optionalChecks.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import type { Audience } from '../../src/lytics/client.ts';
import { jobDocument } from '../support/jobs.ts';

const vip: Audience = {
  id: 'a1',
  slug_name: 'vip',
  name: 'VIP customers',
  public_name: undefined,
  is_public: true,
  size: 12_000,
};
const staff: Audience = { ...vip, id: 'b2', slug_name: 'staff', name: 'Our staff', is_public: false };
const listed = [vip, staff];

const jobOf = (config: Partial<JobDocument['config']>) => parseJob(jobDocument('Test', config));

describe('the check "webhooks"', () => {
  const look = (config: Partial<JobDocument['config']>, size: number | undefined = 12_000) =>
    checkWebhooks({ job: jobOf(config), audience: { ...vip, size } });

  it('reports how many a first run fires', () => {
    expect(look({})).toEqual({
      found: 'a first run fires up to 12,000, one a write; "mute_webhooks": true fires none',
    });
    expect(look({ mute_webhooks: true })).toEqual({ found: 'muted' });
  });

  it('warns where muting has no effect', () => {
    expect(look({ target_storage: 'data_store' }).warnings).toBeUndefined();
    expect(look({ target_storage: 'data_store', mute_webhooks: true }).warnings).toEqual([
      'config.mute_webhooks has no effect: ds.store has no parameter for it',
    ]);
  });
});

describe('the check "excluded audiences"', () => {
  const look = (...names: string[]) =>
    findExcluded({ job: jobOf({ exclude_segment_ids: names }), listed, audience: vip });

  it('finds each audience once, by its id or slug', () => {
    expect(look('staff', 'b2')).toEqual({ found: '"Our staff"', findings: { excluded: [staff] } });
  });

  it('refuses unknown audiences and the exported audience itself', () => {
    expect(() => look('stuff')).toThrow('Lytics has no audience "stuff"; did you mean "staff"?');
    expect(() => look('nothing-like-it')).toThrow('correct config.exclude_segment_ids');
    expect(() => look('a1')).toThrow('is exported and excluded');
  });
});

describe('the check "excluded users"', () => {
  const look = (rows: Record<string, unknown>[], config: Partial<JobDocument['config']> = {}) =>
    checkExcluded({ job: jobOf(config), rows, listed, excluded: [staff] });

  it('counts them among the first users', () => {
    const rows = [
      { segments: ['vip'], segments_all: ['a1', 'b2'] },
      { segments: ['vip'], segments_all: ['a1'] },
    ];
    expect(look(rows)).toEqual({ found: '1 of the first 2 users are excluded' });
  });

  it('fails when rows cannot contain an audience that is not open', () => {
    expect(() => look([{ segments: ['vip'] }])).toThrow("not open to Lytics' API");
    // The profile is looked up, and shows it.
    expect(look([{}]).warnings).toBeUndefined();
    expect(look([{ segments: ['vip'] }], { audiences: 'all' }).warnings).toBeUndefined();
  });
});

describe('the check "mapped fields"', () => {
  const mappings: JobDocument['config']['mappings'] = [
    { score: 'a' },
    { scroe: { field: 'b', on_null: 'keep' } },
  ];

  it('counts the values among the first users, and warns when there are none', () => {
    expect(checkMapped({ job: jobOf({ mappings }), rows: [{ score: 1 }, { score: '' }] })).toEqual({
      found: 'score is set for 1, scroe is set for 0 of the first 2 users',
      warnings: [
        'None of the first 2 users has a value in scroe: data.b is left as it is; did you mean "score"?',
      ],
    });
  });

  it('counts the values that do not fit, and names the field', () => {
    const job = jobOf({
      mappings: [
        { score: 'number' },
        { country: { field: 'list', top: 2 } },
        { tags: { field: 'tags', top: 1 } },
        { opted: 'flag' },
      ],
    });
    const rows = [
      { score: '3.7', country: 'AT', tags: ['a', 'b'], opted: '1' },
      { score: 'high', country: { AT: 1 }, tags: ['c'], opted: 'false' },
    ];
    const { warnings } = checkMapped({ job, rows, fieldTypes: { number: 'integer', flag: 'boolean' } });
    expect(warnings).toEqual([
      '1 of the 2 values of score are not fit for data.number, a field of type integer: data.number is left as it is for these users; map it to a field of another type',
      '1 of the 2 values of country are not maps of scores, which "top" and "min" need: data.list is left as it is for these users; remove these',
      'tags has lists, where "top" and "min" have no effect: every entry is exported',
    ]);
  });

  it('reports nothing about an empty audience', () => {
    expect(checkMapped({ job: jobOf({ mappings }), rows: [] }).warnings).toEqual([]);
  });
});
