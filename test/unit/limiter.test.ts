import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLimiter, type Limiter } from '../../src/gigya/limiter.ts';
import { fc } from '../support/property.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Callers that ask for a turn at once; `served` tells who had theirs, in order. */
function queueUp(limiter: Limiter, count: number, served: number[] = []) {
  for (let n = 0; n < count; n++) void limiter.take().then(() => served.push(n));
  return served;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the rate', () => {
  it('allows a burst of a tenth of a second, then spaces the calls evenly', async () => {
    const limiter = createLimiter({ ceiling: 120 });
    const served = queueUp(limiter, 2_000);
    await pass(0);
    expect(served).toHaveLength(12);
    await pass(1_000);
    expect(served.length).toBeGreaterThanOrEqual(130);
    expect(served.length).toBeLessThanOrEqual(132);
    await pass(9_000);
    expect(served.length).toBeGreaterThanOrEqual(1_200);
    expect(served.length).toBeLessThanOrEqual(1_212);
  });

  it('never exceeds its ceiling in any second, however the calls arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.record({ calls: fc.nat(40), pause: fc.nat(400) }), { minLength: 1, maxLength: 12 }),
        async (ceiling, waves) => {
          const limiter = createLimiter({ ceiling });
          const times: number[] = [];
          for (const { calls, pause } of waves) {
            for (let n = 0; n < calls; n++) void limiter.take().then(() => times.push(performance.now()));
            await pass(pause);
          }
          await pass(1_000_000);
          expect(times).toHaveLength(waves.reduce((sum, { calls }) => sum + calls, 0));
          const burst = Math.max(1, ceiling / 10);
          for (const [n, from] of times.entries()) {
            const within = times.slice(n).filter((time) => time - from < 1_000).length;
            // A whole call may be begun in part on either side.
            expect(within).toBeLessThanOrEqual(ceiling + burst + 1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('below one per second makes calls wait, and saves up at most one', async () => {
    const limiter = createLimiter({ ceiling: 0.5 });
    await pass(60_000);
    const served = queueUp(limiter, 3);
    await pass(0);
    expect(served).toHaveLength(1);
    await pass(1_990);
    expect(served).toHaveLength(1);
    await pass(10);
    expect(served).toHaveLength(2);
    await pass(2_000);
    expect(served).toHaveLength(3);
  });
});

describe('turns', () => {
  it('are granted in the order of the requests', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    const served = queueUp(limiter, 50);
    expect(limiter.waiting).toBe(40);
    await pass(200);
    // One who comes late overtakes nobody, although a turn may be free.
    queueUp(limiter, 10, served);
    await pass(2_000);
    expect(served).toEqual([...Array(50).keys(), ...Array(10).keys()]);
    expect(limiter.waiting).toBe(0);
  });

  it('go to the waiting call, even if the timer is late and turns are free', async () => {
    let clock = 0;
    const limiter = createLimiter({ ceiling: 10, now: () => clock });
    await limiter.take();
    const served = queueUp(limiter, 1);
    // This process was busy: time has passed, and no timer was served.
    clock += 10_000;
    void limiter.take().then(() => served.push(99));
    await pass(0);
    expect(served).toEqual([]);
    await pass(100);
    clock += 10_000;
    await pass(100);
    expect(served).toEqual([0, 99]);
  });

  it('are shared: a job with many calls does not block one with few', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    const turns: string[] = [];
    const work = async (job: string, calls: number) => {
      for (let n = 0; n < calls; n++) {
        await limiter.take();
        turns.push(job);
      }
    };
    for (let n = 0; n < 5; n++) void work('big', 1_000);
    for (let n = 0; n < 5; n++) void work('small', 20);
    await pass(2_500);
    expect(turns.filter((job) => job === 'small')).toHaveLength(100);
    const last = turns.lastIndexOf('small');
    expect(last).toBeLessThan(215);
  });

  it('are given up when the signal aborts, and the next call moves up', async () => {
    const limiter = createLimiter({ ceiling: 10 });
    const served: string[] = [];
    await limiter.take();
    const giveUp = new AbortController();
    const reason = new Error('cancelled');
    const given = limiter.take(giveUp.signal).then(
      () => 'served',
      (error: unknown) => error,
    );
    void limiter.take().then(() => served.push('next'));
    expect(limiter.waiting).toBe(2);
    giveUp.abort(reason);
    expect(await given).toBe(reason);
    expect(limiter.waiting).toBe(1);
    await pass(100);
    expect(served).toEqual(['next']);
  });

  it('are not used by a call that was already aborted', async () => {
    const limiter = createLimiter({ ceiling: 1 });
    const reason = new Error('cancelled');
    await expect(limiter.take(AbortSignal.abort(reason))).rejects.toBe(reason);
    const served = queueUp(limiter, 1);
    await pass(0);
    expect(served).toHaveLength(1);
  });

  it('that were granted are not returned by a later abort', async () => {
    const limiter = createLimiter({ ceiling: 10 });
    await limiter.take();
    const giveUp = new AbortController();
    const had = limiter.take(giveUp.signal);
    queueUp(limiter, 1);
    await pass(100);
    giveUp.abort();
    await expect(had).resolves.toBeUndefined();
    expect(limiter.waiting).toBe(1);
  });
});

describe('a rate limit refusal', () => {
  it('cuts the rate to 80 % and allows no burst', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    await limiter.take();
    const sentAt = limiter.now();
    await pass(20);
    limiter.refused(sentAt);
    expect(limiter.rate).toBeCloseTo(80);
    const served = queueUp(limiter, 100);
    await pass(0);
    expect(served).toHaveLength(0);
    await pass(1_000);
    expect(served.length).toBeGreaterThanOrEqual(79);
    expect(served.length).toBeLessThanOrEqual(81);
  });

  it('counts once for all calls that were in flight together', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    const sent = await Promise.all(
      Array.from({ length: 10 }, () => limiter.take().then(() => limiter.now())),
    );
    await pass(50);
    for (const sentAt of sent) limiter.refused(sentAt);
    expect(limiter.rate).toBeCloseTo(80);
    await pass(50);
    for (const sentAt of sent) limiter.refused(sentAt);
    expect(limiter.rate).toBeCloseTo(80);
  });

  it('counts again for a call that was sent at the lower rate', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    for (const expected of [80, 64, 51.2]) {
      await pass(1_000);
      const sentAt = limiter.now();
      await pass(10);
      limiter.refused(sentAt);
      expect(limiter.rate).toBeCloseTo(expected);
    }
  });

  it('never stops the calls completely: one in ten seconds continues', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    for (let n = 0; n < 100; n++) {
      await pass(1);
      limiter.refused(limiter.now());
    }
    expect(limiter.rate).toBe(0.1);
    const served = queueUp(limiter, 3);
    await pass(10_000);
    expect(served).toHaveLength(1);
    await pass(20_000);
    expect(served).toHaveLength(3);
  });

  it('is reported as a limited rate until the rate is back at its ceiling', async () => {
    const limiter = createLimiter({ ceiling: 100 });
    await pass(1);
    expect(limiter.limitedMs).toBeUndefined();
    limiter.refused(limiter.now());
    await pass(250);
    expect(limiter.limitedMs).toBe(250);
    let accepted = 0;
    for (; limiter.limitedMs !== undefined; accepted++) limiter.accepted();
    expect(limiter.rate).toBe(100);
    // Two calls a second of 80 to 100: ten seconds.
    expect(accepted).toBeGreaterThan(850);
  });

  it('does not raise a rate that is set even lower', async () => {
    const limiter = createLimiter({ ceiling: 0.05 });
    await pass(1);
    limiter.refused(limiter.now());
    expect(limiter.rate).toBe(0.05);
  });
});

describe('an accepted call', () => {
  it('raises the rate by two hundredths of the ceiling per second, at any rate', () => {
    const limiter = createLimiter({ ceiling: 100 });
    for (let n = 0; n < 20; n++) {
      vi.advanceTimersByTime(1);
      limiter.refused(limiter.now());
    }
    const slow = limiter.rate;
    expect(slow).toBeLessThan(3);
    for (let second = 0; second < 30; second++)
      for (let call = Math.round(limiter.rate); call > 0; call--) limiter.accepted();
    expect(limiter.rate).toBeGreaterThan(slow + 50);
    expect(limiter.rate).toBeLessThan(slow + 70);
  });

  it('never raises it above the ceiling', () => {
    const limiter = createLimiter({ ceiling: 100 });
    for (let n = 0; n < 10_000; n++) limiter.accepted();
    expect(limiter.rate).toBe(100);
  });
});

describe('several workers with one quota', () => {
  it('use it up and reach fair shares without coordination', async () => {
    const random = linearCongruence(7);
    const quota = 100;
    // The bucket on the other side.
    let tokens = quota;
    let filledAt = performance.now();
    const allow = () => {
      const now = performance.now();
      tokens = Math.min(quota, tokens + ((now - filledAt) / 1000) * quota);
      filledAt = now;
      if (tokens < 1) return false;
      tokens--;
      return true;
    };
    const travel = () => new Promise((resolve) => setTimeout(resolve, 10 + random() * 30));
    const accepted = [0, 0];
    const run = async (limiter: Limiter, worker: number) => {
      for (;;) {
        await limiter.take();
        const sentAt = limiter.now();
        await travel();
        const isAllowed = allow();
        await travel();
        if (!isAllowed) {
          limiter.refused(sentAt);
          continue;
        }
        limiter.accepted();
        accepted[worker] = (accepted[worker] ?? 0) + 1;
      }
    };
    for (const worker of [0, 1]) {
      const limiter = createLimiter({ ceiling: 120 });
      for (let n = 0; n < 20; n++) void run(limiter, worker);
    }
    await pass(120_000);
    const [one = 0, other = 0] = accepted;
    expect(one + other).toBeGreaterThan(0.9 * quota * 120);
    expect(Math.min(one, other) / Math.max(one, other)).toBeGreaterThan(0.7);
  });
});

/** The same numbers in every run, evenly spread from 0 to 1. */
function linearCongruence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
