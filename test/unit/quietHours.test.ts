import { describe, expect, it } from 'vitest';
import { type QuietHours, quietHoursOf, quietUntil, quietWindows } from '../../src/quietHours.ts';
import { fc } from '../support/property.ts';

const HOUR = 3_600_000;

/** The windows of three days around an instant, in ISO 8601. */
function windowsAround(quiet: QuietHours, day: string) {
  const noon = Date.parse(`${day}T12:00:00Z`);
  return quietWindows(quiet, noon - 24 * HOUR, noon + 24 * HOUR).map(({ from, until }) =>
    [from, until].map((instant) => new Date(instant).toISOString().replace(':00.000Z', 'Z')),
  );
}

describe('the quiet hours of a job', () => {
  it('need a time and a length; UTC is the default zone', () => {
    expect(quietHoursOf({ quiet_time_of_day: '21:00', quiet_period: 8 })).toEqual({
      time: '21:00',
      timezone: 'UTC',
      hours: 8,
    });
    expect(quietHoursOf({ quiet_time_of_day: '21:00', quiet_period: 0 })).toBeUndefined();
    expect(quietHoursOf({ quiet_time_of_day: '21:00' })).toBeUndefined();
    expect(quietHoursOf({ quiet_period: 8, quiet_timezone: 'UTC' })).toBeUndefined();
  });
});

describe('quiet windows', () => {
  it('extend across midnight', () => {
    expect(windowsAround({ time: '21:00', timezone: 'UTC', hours: 8 }, '2026-06-10')).toEqual([
      ['2026-06-09T21:00Z', '2026-06-10T05:00Z'],
      ['2026-06-10T21:00Z', '2026-06-11T05:00Z'],
    ]);
  });

  it('include their first moment and exclude their last', () => {
    const windows = [{ from: 10, until: 20 }];
    expect([9, 10, 19, 20].map((now) => quietUntil(windows, now))).toEqual([undefined, 20, 20, undefined]);
  });

  it('include the one that started yesterday', () => {
    const now = Date.parse('2026-06-10T04:00:00Z');
    const windows = quietWindows({ time: '21:30', timezone: 'UTC', hours: 7.5 }, now, now + 24 * HOUR);
    expect(quietUntil(windows, now)).toBe(Date.parse('2026-06-10T05:00:00Z'));
  });

  it('start and end by the clock in nights with an hour less or more', () => {
    const vienna = { time: '21:00', timezone: 'Europe/Vienna', hours: 8 };
    // Until 05:00 in Vienna, before and after the change.
    expect(windowsAround(vienna, '2026-03-29')).toContainEqual(['2026-03-28T20:00Z', '2026-03-29T03:00Z']);
    expect(windowsAround(vienna, '2026-10-25')).toContainEqual(['2026-10-24T19:00Z', '2026-10-25T04:00Z']);
  });

  it('start or end at the change when the clock skips their time', () => {
    // 02:30 does not come: the clock goes from 02:00 to 03:00 at 01:00 UTC.
    const starting = { time: '02:30', timezone: 'Europe/Vienna', hours: 2 };
    expect(windowsAround(starting, '2026-03-29')).toContainEqual(['2026-03-29T01:00Z', '2026-03-29T02:30Z']);
    const ending = { time: '22:30', timezone: 'Europe/Vienna', hours: 4 };
    expect(windowsAround(ending, '2026-03-29')).toContainEqual(['2026-03-28T21:30Z', '2026-03-29T01:00Z']);
  });

  it('start with the first and end with the second occurrence when their time occurs twice', () => {
    const starting = { time: '02:30', timezone: 'Europe/Vienna', hours: 2 };
    expect(windowsAround(starting, '2026-10-25')).toContainEqual(['2026-10-25T00:30Z', '2026-10-25T03:30Z']);
    const ending = { time: '22:30', timezone: 'Europe/Vienna', hours: 4 };
    expect(windowsAround(ending, '2026-10-25')).toContainEqual(['2026-10-24T20:30Z', '2026-10-25T01:30Z']);
  });

  it('follow zones that change at midnight, or by half an hour', () => {
    const cairo = { time: '00:00', timezone: 'Africa/Cairo', hours: 6 };
    expect(windowsAround(cairo, '2026-04-24')).toContainEqual(['2026-04-23T22:00Z', '2026-04-24T03:00Z']);
    const lordHowe = { time: '02:15', timezone: 'Australia/Lord_Howe', hours: 1 };
    expect(windowsAround(lordHowe, '2026-10-03')).toContainEqual(['2026-10-03T15:30Z', '2026-10-03T16:15Z']);
  });

  it('are one per day, in order, with time to work between them', () => {
    const quiet = fc.record({
      time: fc
        .tuple(fc.nat(23), fc.nat(59))
        .map((parts) => parts.map((one) => String(one).padStart(2, '0')).join(':')),
      timezone: fc.constantFrom(
        'UTC',
        'Europe/Vienna',
        'Africa/Cairo',
        'Australia/Lord_Howe',
        'America/St_Johns',
      ),
      hours: fc.double({ min: 0.5, max: 22, noNaN: true }).map((hours) => Math.round(hours * 2) / 2),
    });
    const start = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 11, 31) });
    fc.assert(
      fc.property(quiet, start, (hours, now) => {
        const windows = quietWindows(hours, now, now + 72 * HOUR);
        expect(windows.length).toBeGreaterThanOrEqual(2);
        expect(windows.length).toBeLessThanOrEqual(5);
        for (const [index, { from, until }] of windows.entries()) {
          expect(until).toBeGreaterThan(from);
          expect(windows[index + 1]?.from ?? Number.POSITIVE_INFINITY).toBeGreaterThan(until);
        }
      }),
    );
  });
});
