import { describe, expect, it } from 'vitest';
import { scheduleWarning, specOf } from '../../src/cli/scheduleSpec.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { jobDocument } from '../support/jobs.ts';

const now = new Date('2026-01-15T12:00:00Z');
const at = (config: Partial<JobDocument['config']>) =>
  parseJob(
    jobDocument('Test', {
      continuous_update: true,
      time_of_day: '2:30',
      timezone: 'Europe/Vienna',
      ...config,
    }),
  );

describe('the schedule of a job', () => {
  it.each<[config: Partial<JobDocument['config']>, calendar: object]>([
    [{}, { hour: 2, minute: 30 }],
    [{ run_frequency: 'hourly' }, { hour: '*', minute: 30 }],
    [
      { run_frequency: 'weekly', day_of_week: 'sunday' },
      { hour: 2, minute: 30, dayOfWeek: 'SUNDAY' },
    ],
    [{ run_frequency: 'weekly' }, { hour: 2, minute: 30, dayOfWeek: 'MONDAY' }],
    [
      { run_frequency: 'monthly', day_of_month: 31 },
      { hour: 2, minute: 30, dayOfMonth: 31 },
    ],
    [{ run_frequency: 'monthly' }, { hour: 2, minute: 30, dayOfMonth: 1 }],
  ])('has for %j the times %j', (config, calendar) => {
    expect(specOf(at(config))).toEqual({ calendars: [calendar], timezone: 'Europe/Vienna' });
  });

  it('ends when the job expires', () => {
    const job = { ...at({}), expires_at: '2030-01-31T00:00:00+01:00' };
    expect(specOf(job).endAt).toEqual(new Date('2030-01-30T23:00:00Z'));
  });
});

describe('the warning of a schedule', () => {
  const warning = (config: Partial<JobDocument['config']>) => scheduleWarning(at(config), now);

  it('names the days of the runs that the clock skips or doubles', () => {
    expect(warning({})).toMatch(/does not exist on 2026-03-29, 2027-03-28.*occurs twice on 2026-10-25/);
    // The clock changes on Sundays.
    expect(warning({ run_frequency: 'weekly', day_of_week: 'sunday' })).toContain('2026-03-29');
    expect(warning({ run_frequency: 'weekly', day_of_week: 'monday' })).toBeUndefined();
    const monthly = warning({ run_frequency: 'monthly', day_of_month: 25 });
    expect(monthly).toContain('occurs twice on 2026-10-25, so');
    expect(monthly).not.toContain('2026-03-29');
  });

  it('names the months that have no run', () => {
    expect(warning({ run_frequency: 'monthly', day_of_month: 30, time_of_day: '12:00' })).toBe(
      'Months without day 30 are skipped.',
    );
    expect(warning({ run_frequency: 'monthly', day_of_month: 28, time_of_day: '12:00' })).toBeUndefined();
  });

  it('is absent for hourly runs and for a job without a schedule', () => {
    expect(warning({ run_frequency: 'hourly' })).toBeUndefined();
    expect(warning({ continuous_update: false })).toBeUndefined();
  });
});
