import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importJob } from '../../src/cli/importJob.ts';
import { describeLyticsJobs } from '../../src/cli/importReport.ts';
import { InvalidJob, keysWithoutEffect, parseJob } from '../../src/job.ts';

const SEGMENT = '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50';
const GIGYA = 'd3d9446802a44259755d38e6d163e820';

function fixture(name: string): Record<string, unknown> {
  const text = readFileSync(new URL(`../fixtures/lyticsJobs/${name}.json`, import.meta.url), 'utf8');
  const document = Object(JSON.parse(text));
  return document.data ?? document;
}
const imported = (name: string, choices = {}) => importJob(fixture(name), { authIds: ['gigya'], ...choices });

describe('a job of Lytics that is kept updated', () => {
  it('becomes a paused job with what Lytics sets, in canonical form', () => {
    const { document, job } = imported('running');
    expect(document).toEqual({
      name: 'GIGYA: Export Audiences',
      auth_ids: ['gigya'],
      config: {
        segment_id: SEGMENT,
        gigya_id_field: 'gy_profile_id',
        target_storage: 'account',
        continuous_update: true,
        time_of_day: '02:00',
        timezone: 'Europe/Vienna',
      },
      status: 'paused',
    });
    expect(job).toEqual(parseJob(document));
  });

  it('is reported with each setting that differs from Lytics, and the keys without effect', () => {
    const { changes, withoutEffect } = imported('running');
    const original = fixture('running');
    expect(changes).toContainEqual({ setting: 'auth_ids', lytics: [GIGYA], here: ['gigya'] });
    expect(changes).toContainEqual({ setting: 'config.time_of_day', lytics: '2:00am', here: '02:00' });
    expect(changes).toContainEqual({ setting: 'status', lytics: original['status'], here: 'paused' });
    expect(withoutEffect).toEqual(keysWithoutEffect(original).filter((key) => key !== 'status'));
  });

  it('accepts another name and a Lytics authorization', () => {
    const { job, changes } = imported('running', { name: 'Mine', authIds: ['gigya', 'lytics'] });
    expect(job).toMatchObject({ name: 'Mine', auth_ids: ['gigya', 'lytics'] });
    expect(changes).toContainEqual({ setting: 'name', lytics: 'GIGYA: Export Audiences', here: 'Mine' });
  });
});

describe('a job of Lytics', () => {
  it('that is not kept updated has no schedule to pause', () => {
    const original = fixture('defaults');
    const { document, withoutEffect } = importJob({ ...original, status: 'paused' }, { authIds: ['gigya'] });
    expect(document).not.toHaveProperty('status');
    expect(withoutEffect).toContain('status');
  });

  it('keeps quiet hours, and leaves out those without effect', () => {
    expect(imported('quietHours').document).toMatchObject({ quiet_time_of_day: '21:00', quiet_period: 8 });
    const { document, withoutEffect } = imported('sleeping');
    expect(document).not.toHaveProperty('quiet_timezone');
    expect(withoutEffect).toContain('quiet_timezone');
  });

  it('with a setting that cannot run here is refused with its path', () => {
    const original = { ...fixture('running'), config: { segment_id: 'vip', sparkle: 1 } };
    expect(() => importJob(original, { authIds: ['gigya'] })).toThrow(InvalidJob);
    expect(() => importJob(original, { authIds: ['gigya'] })).toThrow('config.sparkle');
  });
});

describe("the list of Lytics' jobs", () => {
  const job = {
    id: '73322628b3e31053032f2562ea4354f9',
    name: 'GIGYA: Export Audiences to the European accounts',
    status: 'sleeping',
    segment_id: SEGMENT,
    continuous_update: true,
  };
  const jobs = [job, { ...job, name: 'Once', segment_id: '', continuous_update: false }];
  const output = { json: false, isTerminal: true, isAnimated: false, width: 80 };

  it('has at 80 columns the whole id and audience of each', () => {
    const lines = describeLyticsJobs(jobs, 'lytics', output).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines).toEqual([
      expect.stringMatching(/^ID +NAME +STATE$/),
      expect.stringMatching(new RegExp(`^${job.id}  GIGYA: Export Audiences to the .*…  sleeping$`)),
      `  audience ${SEGMENT}, kept updated`,
      expect.stringMatching(/ {2}Once +sleeping$/),
      '  audience unknown',
    ]);
  });

  it('has a line each in a pipe', () => {
    expect(describeLyticsJobs(jobs, 'lytics', { ...output, isTerminal: false })).toBe(
      [
        'id\tname\tstate\taudience\tkept_updated',
        `${job.id}\t${job.name}\tsleeping\t${SEGMENT}\tyes`,
        `${job.id}\tOnce\tsleeping\t\tno`,
      ].join('\n'),
    );
  });
});
