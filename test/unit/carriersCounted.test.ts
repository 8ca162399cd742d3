import { expect, it } from 'vitest';
import { carriersCounted, carriersInDone } from '../../src/workflows/carriersCounted.ts';
import { beginLanes, type Lane } from '../../src/workflows/lanes.ts';
import { beginScan, type Scan } from '../../src/workflows/run.ts';

const lanes = (...read: [seen: number, isDone: boolean][]): Lane[] =>
  beginLanes(read.length).map((lane, index) => {
    const [seen, isDone] = read[index] ?? [0, false];
    return { ...lane, seen, isDone };
  });
const scan = (changes: Partial<Scan>): Scan => ({
  ...beginScan({ number: 1, lanes: [], updatedBefore: 0, fruitless: 0 }),
  ...changes,
});

it('one pass through all lanes counts carriers exactly', () => {
  expect(carriersCounted(scan({ carrying: 980 }))).toEqual({ least: 980, most: 980 });
  expect(
    carriersInDone(scan({ carrying: 500, fetched: 500 }), lanes([0, false], [0, false])),
  ).toBeUndefined();
});

it('lanes that are read again leave a range as wide as what was read of them', () => {
  // Of 1,000 users in each of four lanes, 40 were read of the last one when its cursor expired; 60 do not carry it.
  const first = scan({ fetched: 3_040, carrying: 2_980 });
  const again = lanes([1_000, true], [1_000, true], [1_000, true], [0, false]);
  const carriedBefore = carriersInDone(first, again);
  expect(carriedBefore).toEqual({ least: 2_940, most: 2_980 });
  expect(carriersCounted({ carrying: 1_000, ...(carriedBefore && { carriedBefore }) })).toEqual({
    least: 3_940,
    most: 3_980,
  });

  // It expires again after 10: those 10 widen the range.
  const second = { ...beginScan({ number: 2, lanes: again, updatedBefore: 0, fruitless: 0 }), carrying: 10 };
  expect(second.fetched).toBe(3_000);
  const third = carriersInDone({ ...second, fetched: 3_010, ...(carriedBefore && { carriedBefore }) }, again);
  expect(third).toEqual({ least: 2_940, most: 2_990 });
});

it('a range has no number below zero', () => {
  const before = scan({ fetched: 2_000, carrying: 0 });
  expect(carriersInDone(before, lanes([1_000, true], [0, false]))).toEqual({ least: 0, most: 0 });
});
