import { describe, expect, it } from 'vitest';
import { minuteOf, scheduleWarning, specOf } from '../../src/cli/scheduleSpec.ts';
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

  it.each([
    ['Europe/Vienna', '2:15', 15],
    ['Asia/Kolkata', '2:15', 45],
    ['Asia/Kathmandu', '2:15', 30],
    ['America/St_Johns', '2:45', 15],
  ])('has hours of UTC when hourly, at the minute of the clock in %s', (timezone, time_of_day, minute) => {
    const { intervals, ...spec } = specOf(at({ run_frequency: 'hourly', timezone, time_of_day }));
    expect(spec).toEqual({ timezone });
    expect(intervals).toEqual([{ every: 3_600_000, offset: minute * 60_000 }]);
    expect(minuteOf(minute * 60_000, timezone)).toBe(Number(time_of_day.slice(-2)));
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

  it('names quiet hours in another zone, and those in which runs begin', () => {
    const quiet = (config: Partial<JobDocument['config']>, quiet_timezone?: string) =>
      scheduleWarning(
        {
          ...at({ time_of_day: '3:30', ...config }),
          quiet_time_of_day: '22:00',
          quiet_period: 8,
          ...(quiet_timezone !== undefined && { quiet_timezone }),
        },
        now,
      );
    expect(quiet({})).toBe(
      'Quiet hours are in UTC, since quiet_timezone is not set; time_of_day is in Europe/Vienna. Runs at 03:30 begin in the quiet hours, and wait for their end at 07:00 Europe/Vienna.',
    );
    expect(quiet({}, 'Europe/Vienna')).toBe(
      'Runs at 03:30 begin in the quiet hours, and wait for their end at 06:00 Europe/Vienna.',
    );
    expect(quiet({ time_of_day: '6:00' }, 'Europe/Vienna')).toBeUndefined();
    expect(quiet({ time_of_day: '5:59' }, 'Europe/Vienna')).toContain('Runs at 05:59');
    expect(quiet({ run_frequency: 'hourly' }, 'Europe/Vienna')).toBeUndefined();
    expect(quiet({ continuous_update: false }, 'Europe/Vienna')).toBeUndefined();
    expect(quiet({ timezone: 'UTC', time_of_day: '12:00' })).toBeUndefined();
  });

  it('is absent for hourly runs and for a job without a schedule', () => {
    expect(warning({ run_frequency: 'hourly' })).toBeUndefined();
    expect(warning({ continuous_update: false })).toBeUndefined();
  });
});
