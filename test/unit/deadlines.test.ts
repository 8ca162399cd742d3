import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Deadlines } from '../../src/deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('ends work that takes too long, each at its own time, and no other', () => {
  const ended: [work: string, at: number][] = [];
  const start = performance.now();
  const deadlines = new Deadlines<string>(100, (work) => ended.push([work, performance.now() - start]));
  deadlines.open('closed in time');
  vi.advanceTimersByTime(30);
  deadlines.open('late');
  deadlines.open('late as well');
  vi.advanceTimersByTime(40);
  deadlines.close('closed in time');
  deadlines.open('last');
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(59);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual([
    ['late', 130],
    ['late as well', 130],
    ['last', 170],
  ]);
  // Nothing is open, so nothing is watched; the next work is.
  expect(vi.getTimerCount()).toBe(0);
  deadlines.open('next');
  vi.advanceTimersByTime(100);
  expect(ended.at(-1)?.[0]).toBe('next');
});
