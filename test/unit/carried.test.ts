import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resume } from '../../src/workflows/carried.ts';
import { beginRun } from '../../src/workflows/run.ts';

const NOW = Date.parse('2027-03-28T01:00:00Z');
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(NOW);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the state that a run passes on', () => {
  const run = { ...beginRun(NOW - 60 * MINUTE), total: 5 };

  it('is used by the run that continues immediately', () => {
    expect(resume({ run, at: NOW })).toBe(run);
    expect(resume({ run, at: NOW - 15 * MINUTE })).toBe(run);
  });

  it('is stale for the next run of a cron expression and for a reset, which start from the beginning', () => {
    expect(resume({ run, at: NOW - 15 * MINUTE - 1 })).toBeUndefined();
    expect(resume({ run, at: NOW - 24 * 60 * MINUTE })).toBeUndefined();
  });

  it('is empty for a run that was just started', () => {
    expect(resume(undefined)).toBeUndefined();
  });
});
