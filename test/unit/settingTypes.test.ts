import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/nearest.ts';
import { readTimeOfDay } from '../../src/timeOfDay.ts';
import { canonicalTimezone } from '../../src/timezone.ts';
import { fc } from '../support/property.ts';

describe('a time of day', () => {
  it.each([
    ['03:30', '03:30'],
    ['7:15', '07:15'],
    ['23:59', '23:59'],
    ['2:00am', '02:00'],
    ['2:00 AM', '02:00'],
    ['2 PM', '14:00'],
    ['12:00am', '00:00'],
    ['12 pm', '12:00'],
    ['12:30pm', '12:30'],
    ['11:59 Pm', '23:59'],
    [' 09:05 pm ', '21:05'],
    ['3:30\u202fPM', '15:30'],
    ['3:30  a.m.', '03:30'],
    ['03:30:00', '03:30'],
    ['00:30 AM', '00:30'],
  ])('%j is %s', (text, time) => {
    expect(readTimeOfDay(text)).toBe(time);
  });

  it.each(['', '24:00', '3:60', '13:00 pm', '0:30 pm', '3', '3:3', '3.30', '03:30:15', 'noon', '2 PM UTC'])(
    'is not %j',
    (text) => {
      expect(readTimeOfDay(text)).toBeUndefined();
    },
  );

  it('has the same minute in both notations', () => {
    fc.assert(
      fc.property(fc.nat({ max: 23 }), fc.nat({ max: 59 }), (hour, minute) => {
        const minutes = String(minute).padStart(2, '0');
        const twelve = `${hour % 12 || 12}:${minutes} ${hour < 12 ? 'AM' : 'PM'}`;
        expect(readTimeOfDay(twelve)).toBe(`${String(hour).padStart(2, '0')}:${minutes}`);
        expect(readTimeOfDay(`${hour}:${minutes}`)).toBe(readTimeOfDay(twelve));
      }),
    );
  });
});

describe('a time zone', () => {
  it.each([
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['europe/berlin', 'Europe/Berlin'],
    ['Europe/Vienna', 'Europe/Vienna'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['EUROPE/BERLIN', 'Europe/Berlin'],
    ['america/port-au-prince', 'America/Port-au-Prince'],
    [' Asia/Tokyo ', 'Asia/Tokyo'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Etc/UTC', 'Etc/UTC'],
    ['EST', 'EST'],
  ])('%j is %s', (name, zone) => {
    expect(canonicalTimezone(name)).toBe(zone);
  });

  it.each(['', '+02:00', 'Vienna', 'Mars/Olympus_Mons', 'Europe/Vienna; DROP'])('is not %j', (name) => {
    expect(canonicalTimezone(name)).toBeUndefined();
  });

  it.each([
    ['us/pacific', 'US/Pacific'],
    ['Us/PACIFIC', 'US/Pacific'],
    ['asia/KOLKATA', 'Asia/Kolkata'],
    ['Etc/Utc', 'Etc/UTC'],
    ['JAPAN', 'Asia/Tokyo'],
    ['ZULU', 'UTC'],
  ])('by an alias in any case (%s) has the letters of a name that Temporal knows', (name, zone) => {
    expect(canonicalTimezone(name)).toBe(zone);
  });

  it('has one canonical form, whatever the case of its letters', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      expect(canonicalTimezone(zone.toLowerCase())).toBe(zone);
      expect(canonicalTimezone(zone)).toBe(zone);
    }
  });
});

describe('the nearest known name', () => {
  const known = ['segment_id', 'time_of_day', 'timezone', 'on_exit', 'dry_run'];
  it.each([
    ['segmentId', 'segment_id'],
    ['Time_Of_Day', 'time_of_day'],
    ['timezon', 'timezone'],
    ['tiemzone', 'timezone'],
    ['dryrun', 'dry_run'],
    ['on_exti', 'on_exit'],
    ['colour', undefined],
    ['', undefined],
    ['x', undefined],
  ])('to %j is %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });

  it('is the one with the fewest edits', () => {
    expect(nearestName('caat', ['cart', 'boat', 'cat'])).toBe('cart');
    expect(nearestName('abcd', ['abxy', 'abdc'])).toBe('abdc');
  });
});
