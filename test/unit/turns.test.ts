import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTurns, type Turns } from '../../src/gigya/turns.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

interface Job {
  job?: string;
  order?: number;
  uid?: string;
  isSearch?: boolean;
}

/** A Gigya that answers after a time, and counts what it gets. */
function gigyaWith(
  limits: { calls: number; searches?: number; connections?: 'auto' | number },
  latency = 150,
) {
  const { calls, searches = 10, connections = 'auto' } = limits;
  const turns = createTurns(
    { calls_per_second: calls, searches_per_second: searches, connections },
    () => {},
  );
  const gigya = {
    turns,
    latency,
    isHung: false,
    /** Calls per second that are accepted. */
    quota: Number.POSITIVE_INFINITY,
    inFlight: 0,
    most: 0,
    rejected: 0,
    sent: [] as Required<Job>[],
    /** Calls that were answered since the last look. */
    answered: 0,
    call({ job = 'job', order = 1, uid = '', isSearch = false }: Job = {}, signal?: AbortSignal) {
      const waiting = { isSearch, uid: uid || undefined, turn: { job, order }, signal };
      return turns.take(waiting, () => send({ job, order, uid, isSearch }));
    },
    /** Keeps so many calls waiting, one after the other. */
    keepBusy(count: number, job: Job = {}) {
      const work = async () => {
        for (;;) await gigya.call(job);
      };
      for (let n = 0; n < count; n++) void work();
    },
    /** Answered calls per second over this time. */
    async throughput(ms: number) {
      gigya.answered = 0;
      await pass(ms);
      return (gigya.answered / ms) * 1_000;
    },
  };
  let second = 0;
  let sentInSecond = 0;

  async function send(call: Required<Job>): Promise<void> {
    gigya.sent.push(call);
    gigya.most = Math.max(gigya.most, ++gigya.inFlight);
    const sentAt = performance.now();
    if (Math.floor(sentAt / 1_000) !== second) sentInSecond = 0;
    second = Math.floor(sentAt / 1_000);
    const isRejected = ++sentInSecond > gigya.quota;
    await new Promise<void>((resolve) => {
      if (!gigya.isHung) setTimeout(resolve, gigya.latency);
    });
    gigya.inFlight--;
    gigya.answered++;
    turns.answered(performance.now() - sentAt);
    if (isRejected) {
      gigya.rejected++;
      turns.calls.refused(sentAt);
    } else turns.calls.accepted();
  }

  return gigya;
}

describe('calls at once, found automatically', () => {
  it.each([120, 280, 630])('use a quota of %i per second at 150 ms, with few in flight', async (calls) => {
    const gigya = gigyaWith({ calls });
    gigya.keepBusy(256);
    await pass(2_000);
    expect(await gigya.throughput(10_000)).toBeGreaterThan(calls * 0.97);
    expect(gigya.most).toBeLessThanOrEqual(Math.ceil(calls * 0.25) + 4);
  });

  it('follow the latency up and down within seconds', async () => {
    const gigya = gigyaWith({ calls: 120 });
    gigya.keepBusy(256);
    await pass(3_000);
    gigya.latency = 1_000;
    await pass(8_000);
    expect(await gigya.throughput(5_000)).toBeGreaterThan(115);
    expect(gigya.inFlight).toBeGreaterThan(110);
    gigya.latency = 50;
    await pass(4_000);
    gigya.most = 0;
    expect(await gigya.throughput(5_000)).toBeGreaterThan(115);
    expect(gigya.most).toBeLessThan(20);
  });

  it('follow the rate down when Gigya accepts less, and up again', async () => {
    const gigya = gigyaWith({ calls: 80 }, 500);
    gigya.keepBusy(100);
    await pass(3_000);
    expect(gigya.most).toBeGreaterThan(40);
    gigya.quota = 40;
    await pass(20_000);
    gigya.most = 0;
    await pass(10_000);
    expect(gigya.most).toBeLessThan(40);
    gigya.quota = Number.POSITIVE_INFINITY;
    await pass(60_000);
    expect(await gigya.throughput(5_000)).toBeGreaterThan(77);
  });

  it('never exceed 256, even if a very slow Gigya would need more', async () => {
    const gigya = gigyaWith({ calls: 630 }, 5_000);
    gigya.keepBusy(500);
    await pass(30_000);
    expect(gigya.most).toBe(256);
  });

  it('do not grow when nothing is answered', async () => {
    const gigya = gigyaWith({ calls: 120 });
    gigya.keepBusy(256);
    await pass(3_000);
    gigya.isHung = true;
    await pass(60_000);
    expect(gigya.inFlight).toBeLessThan(40);
  });
});

describe('the turn', () => {
  /** Takes the only slot until it is released. */
  async function occupy(turns: Turns) {
    let release = () => {};
    const waiting = { isSearch: false, uid: undefined, turn: undefined, signal: undefined };
    void turns.take(waiting, () => new Promise<void>((resolve) => (release = resolve)));
    await pass(0);
    return () => release();
  }

  it('goes round the jobs, so that each has its share', async () => {
    const gigya = gigyaWith({ calls: 120 });
    for (const [job, waiting] of [
      ['a', 200],
      ['b', 50],
      ['c', 100],
    ] as const)
      gigya.keepBusy(waiting, { job });
    await pass(30_000);
    for (const job of ['a', 'b', 'c']) {
      const share = gigya.sent.filter((call) => call.job === job).length / gigya.sent.length;
      expect(share).toBeGreaterThan(0.3);
    }
  });

  it("goes to a job's searches first, then to its pages in order", async () => {
    const gigya = gigyaWith({ calls: 1_000, connections: 1 });
    const release = await occupy(gigya.turns);
    const given: Job[] = [
      { order: 3 },
      { order: 2 },
      { order: 3, isSearch: true },
      { order: 2 },
      { order: 1 },
    ];
    for (const one of given) void gigya.call(one);
    await pass(10);
    release();
    await pass(2_000);
    expect(gigya.sent.map(({ order, isSearch }) => (isSearch ? 'search' : order))).toEqual([
      'search',
      1,
      2,
      2,
      3,
    ]);
  });

  it('passes by calls that were aborted', async () => {
    const gigya = gigyaWith({ calls: 1_000, connections: 1 });
    const release = await occupy(gigya.turns);
    const giveUp = new AbortController();
    const aborted = gigya.call({ order: 1 }, giveUp.signal);
    void gigya.call({ order: 2 });
    const reason = new Error('cancelled');
    giveUp.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(gigya.call({}, giveUp.signal)).rejects.toBe(reason);
    release();
    await pass(1_000);
    expect(gigya.sent.map(({ order }) => order)).toEqual([2]);
  });

  it('waits while five calls for the same UID are in flight', async () => {
    const gigya = gigyaWith({ calls: 1_000 });
    for (let n = 0; n < 12; n++) void gigya.call({ uid: 'a' });
    await pass(100);
    expect(gigya.inFlight).toBe(5);
    void gigya.call({ uid: 'b' });
    await pass(10);
    expect(gigya.inFlight).toBe(6);
    await pass(1_000);
    expect(gigya.sent).toHaveLength(13);
    expect(gigya.most).toBe(6);
  });
});
