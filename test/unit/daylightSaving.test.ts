import { describe, expect, it } from 'vitest';
import { clockChanges, clockWarning, safeTime } from '../../src/cli/daylightSaving.ts';

const now = new Date('2026-01-15T12:00:00Z');

describe('the days on which a clock time is skipped or occurs twice, within two years', () => {
  it('in Europe/Vienna are the last Sundays of March and October', () => {
    expect(clockChanges('02:30', 'Europe/Vienna', now)).toEqual([
      { date: '2026-03-29', what: 'skipped' },
      { date: '2026-10-25', what: 'doubled' },
      { date: '2027-03-28', what: 'skipped' },
      { date: '2027-10-31', what: 'doubled' },
    ]);
  });

  it.each(['00:00', '01:59', '03:00', '12:00', '23:59'])('in Europe/Vienna do not exist for %s', (time) => {
    expect(clockChanges(time, 'Europe/Vienna', now)).toEqual([]);
  });

  it.each([
    ['02:00', 4],
    ['02:59', 4],
  ])('start and end with the hour: %s', (time, days) => {
    expect(clockChanges(time, 'Europe/Vienna', now)).toHaveLength(days);
  });

  it('in Africa/Cairo, where clocks change at midnight, are days without a midnight', () => {
    expect(clockChanges('00:00', 'Africa/Cairo', now)).toEqual([
      { date: '2026-04-24', what: 'skipped' },
      { date: '2027-04-30', what: 'skipped' },
    ]);
    // It goes back at midnight, too: the hour before comes twice.
    expect(clockChanges('23:30', 'Africa/Cairo', now)).toEqual([
      { date: '2026-10-29', what: 'doubled' },
      { date: '2027-10-28', what: 'doubled' },
    ]);
  });

  it('in Australia/Lord_Howe, where half an hour is saved, are half-hours', () => {
    expect(clockChanges('02:15', 'Australia/Lord_Howe', now)).toEqual([
      { date: '2026-10-04', what: 'skipped' },
      { date: '2027-10-03', what: 'skipped' },
    ]);
    expect(clockChanges('01:45', 'Australia/Lord_Howe', now)).toEqual([
      { date: '2026-04-05', what: 'doubled' },
      { date: '2027-04-04', what: 'doubled' },
    ]);
    expect(clockChanges('02:45', 'Australia/Lord_Howe', now)).toEqual([]);
    expect(clockChanges('01:15', 'Australia/Lord_Howe', now)).toEqual([]);
  });

  it('in the Americas are at two in the morning', () => {
    expect(clockChanges('02:30', 'America/Los_Angeles', now).map(({ date }) => date)).toEqual([
      '2026-03-08',
      '2027-03-14',
    ]);
    expect(clockChanges('01:30', 'America/Los_Angeles', now).map(({ date }) => date)).toEqual([
      '2026-11-01',
      '2027-11-07',
    ]);
  });

  it.each(['UTC', 'Asia/Kolkata', 'Asia/Tokyo', 'America/Phoenix', 'Pacific/Kiritimati', 'Etc/GMT+12'])(
    'are none in %s',
    (timezone) => {
      for (const time of ['00:00', '01:30', '02:30', '23:30'])
        expect(clockChanges(time, timezone, now)).toEqual([]);
    },
  );

  it('include today', () => {
    const today = new Date('2026-03-29T00:30:00Z');
    expect(clockChanges('02:30', 'Europe/Vienna', today)[0]).toEqual({ date: '2026-03-29', what: 'skipped' });
  });
});

describe('a time to use in its place', () => {
  it('is the next hour that occurs exactly once every day', () => {
    expect(safeTime('02:30', 'Europe/Vienna', now)).toBe('03:30');
    expect(safeTime('00:00', 'Africa/Cairo', now)).toBe('01:00');
    expect(safeTime('23:30', 'UTC', now)).toBe('00:30');
  });
});

describe('the warning', () => {
  it('reports the days, the effect and the time to use', () => {
    expect(clockWarning('02:30', 'Europe/Vienna', now)).toBe(
      'Daylight saving in Europe/Vienna: 02:30 does not exist on 2026-03-29, 2027-03-28, so no run starts; it occurs twice on 2026-10-25, 2027-10-31, so two runs may start. 03:30 is safe.',
    );
    expect(clockWarning('00:00', 'Africa/Cairo', now)).toBe(
      'Daylight saving in Africa/Cairo: 00:00 does not exist on 2026-04-24, 2027-04-30, so no run starts. 01:00 is safe.',
    );
    expect(clockWarning('01:45', 'Australia/Lord_Howe', now)).toMatch(
      /01:45 occurs twice on 2026-04-05, 2027-04-04, so two runs may start\./,
    );
  });

  it('is absent when there is nothing to warn about', () => {
    expect(clockWarning('03:30', 'Europe/Vienna', now)).toBeUndefined();
    expect(clockWarning('00:00', 'UTC', now)).toBeUndefined();
  });
});
