import { describe, expect, it } from 'vitest';
import type { LaneRead } from '../../src/activities/readLanes.ts';
import { hundredthsOf, mostInLane } from '../../src/lanes.ts';
import {
  beginLanes,
  fellShort,
  type Lane,
  lanesAgain,
  lanesToRead,
  seenIn,
  settleLanes,
  stepLane,
  totalOf,
} from '../../src/workflows/lanes.ts';
import { fc } from '../support/property.ts';

const counts = fc.integer({ min: 1, max: 10 });

const read = (changes: Partial<LaneRead> = {}): LaneRead => ({
  next: { start: 'next', before: '', blind: 0 },
  rows: 100,
  total: 1_000,
  lossy: false,
  expired: false,
  ...changes,
});

/** A lane after these readings, each for the next page. */
function laneAfter(...readings: Partial<LaneRead>[]): Lane {
  const lane = beginLanes(2)[0];
  if (!lane) throw new Error('There is no lane');
  for (const [index, changes] of readings.entries()) stepLane(lane, read(changes), index + 1);
  return lane;
}

describe('the hundredths of lanes', () => {
  it('are disjoint, complete, and equally many', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const lanes = hundredthsOf(count);
        expect(lanes).toHaveLength(count);
        expect(lanes.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
        const sizes = lanes.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are not sent for one lane', () => {
    expect(beginLanes(1).map(({ hundredths }) => hundredths)).toEqual([null]);
    expect(beginLanes(3).map(({ hundredths }) => hundredths)).toEqual(hundredthsOf(3));
  });

  it('bound what a lane may hold: chance explains half as much again', () => {
    const [lane = []] = hundredthsOf(10);
    expect(mostInLane(lane, 10_000)).toBe(1_500);
  });
});

describe('the lanes of the next page', () => {
  const begin = (count: number, begun: number) => {
    const lanes = beginLanes(count);
    for (const [index, lane] of lanes.slice(0, begun).entries()) stepLane(lane, read(), index + 1);
    return lanes;
  };

  it('are as many as the page has rows for, so that a slow run holds few cursors', () => {
    const lanes = begin(10, 0);
    expect(lanesToRead(lanes, 100, 10)).toEqual(lanes.slice(0, 1));
    expect(lanesToRead(lanes, 300, 10)).toEqual(lanes.slice(0, 3));
    expect(lanesToRead(lanes, 2_000, 10)).toEqual(lanes);
  });

  it('are no more than may be read at once, but all that were begun', () => {
    expect(lanesToRead(begin(10, 0), 2_000, 2)).toHaveLength(2);
    expect(lanesToRead(begin(10, 5), 2_000, 2)).toHaveLength(5);
  });

  it('take turns, without one that has ended', () => {
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        (count, atOnce, sizes, pages) => {
          const lanes = beginLanes(count);
          for (const [index, size] of sizes.entries()) {
            const begun = lanes.filter(({ cursor, readFor }) => cursor && readFor > 0);
            const chosen = lanesToRead(lanes, size, atOnce);
            expect(new Set(chosen).size).toBe(chosen.length);
            expect(chosen.every(({ cursor }) => cursor !== null)).toBe(true);
            if (lanes.some(({ cursor }) => cursor !== null)) expect(chosen.length).toBeGreaterThan(0);
            // No lane that was begun waits for one that was read after it.
            const waiting = begun.filter((lane) => !chosen.includes(lane));
            for (const lane of waiting)
              for (const other of chosen) expect(other.readFor).toBeLessThanOrEqual(lane.readFor);
            for (const lane of chosen) {
              const isLast = lane.seen + 100 >= pages * 100;
              stepLane(lane, read(isLast ? { next: null } : {}), index + 1);
            }
          }
        },
      ),
    );
  });

  it('begin with the one that was read least, which may read one Lytics page more than the others', () => {
    const lanes = beginLanes(3);
    for (const [index, lane] of lanes.entries()) stepLane(lane, read({ rows: 300 - index * 100 }), 1);
    expect(lanesToRead(lanes, 1_700, 10)).toEqual([...lanes].reverse());
  });

  it('are none when all have ended', () => {
    const lanes = beginLanes(2);
    for (const lane of lanes) stepLane(lane, read({ next: null }), 1);
    expect(lanesToRead(lanes, 2_000, 10)).toEqual([]);
  });
});

describe('a lane', () => {
  it('moves past what was read, and keeps a total that a later page lacks', () => {
    expect(laneAfter({ total: 150 }, { total: null, next: null })).toMatchObject({
      seen: 200,
      total: 150,
      cursor: null,
      lossy: false,
      readFor: 2,
    });
  });

  it('stays first in turn when its rows did not fit the page', () => {
    expect(laneAfter({}, { rows: 0, lossy: true })).toMatchObject({ readFor: 1, lossy: true });
  });

  it.each<[readings: Partial<LaneRead>[], isShort: boolean]>([
    [[{ next: null, total: 200 }], false],
    [[{ lossy: true }, { next: null, total: 200 }], false],
    [[{ lossy: true }, { next: null, total: 201 }], true],
    [[{ lossy: true, total: null, next: null }], true],
  ])('after %j fell short: %s', (readings, isShort) => {
    expect(fellShort(laneAfter(...readings))).toBe(isShort);
  });
});

describe('the next pass', () => {
  it('begins again only the lanes that fell short or expired', () => {
    const [whole, short, expired, late] = beginLanes(4);
    if (!whole || !short || !expired || !late) throw new Error('There are four lanes');
    const lanes = [whole, short, expired, late];
    stepLane(whole, read({ next: null, total: 100 }), 1);
    stepLane(short, read({ next: null, total: 200, lossy: true }), 1);
    stepLane(expired, read({ next: null, rows: 0, expired: true }), 1);
    stepLane(late, read({ next: null, total: 100 }), 2);
    settleLanes(lanes);
    const again = lanesAgain(lanes);
    expect(again.map(({ isDone, seen, hundredths }) => [isDone, seen, hundredths])).toEqual([
      [true, 100, whole.hundredths],
      [false, 0, short.hundredths],
      [false, 0, expired.hundredths],
      [true, 100, late.hundredths],
    ]);
    expect(lanesToRead(again, 2_000, 10)).toEqual([again[1], again[2]]);
    expect(seenIn(again)).toBe(200);
    expect(totalOf(again)).toBeNull();
    expect(totalOf(lanes)).toBe(1_400);
  });
});
