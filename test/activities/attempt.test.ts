import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentAttempt } from '../../src/activities/attempt.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf } from '../support/activityRig.ts';
import { deafClient } from '../support/deafClient.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

/** Seconds that pass while nothing of this process runs. */
const freeze = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

/** What a client does just before it sends a write. @throws when the attempt is over. */
const assertMayWrite = () => currentAttempt().writing.beforeSend?.();

/** Works this long, and writes every second. */
const workFor = (seconds: number) => async () => {
  await currentAttempt().claim();
  for (let second = 0; second < seconds; second++) {
    await pass(1);
    assertMayWrite();
  }
  return 'done';
};

const transient = () => new GigyaError('Gigya is down', decide('accounts.setAccountInfo', 500001));

describe('an attempt', () => {
  it('sends the server a heartbeat every second with the state that the next attempt continues from', async () => {
    const attempt = attemptOf();
    let done = 0;
    await attempt.run(async () => {
      currentAttempt().keep({ details: () => ({ done }) });
      for (done = 1; done <= 3; done++) await pass(1);
    });
    const beats = [1, 2, 3].map((count) => ({ done: count, waits_for: null }));
    expect(attempt.heartbeats).toEqual(beats);
    // And no more when it is over.
    await pass(5);
    expect(attempt.heartbeats).toHaveLength(3);
  });

  it('knows its number and the state that the previous attempt left', async () => {
    const attempt = attemptOf({ attempt: 3, heartbeatDetails: { done: 7 } });
    const known = await attempt.run(async () => {
      const { number, resumedFrom } = currentAttempt();
      return { number, resumedFrom };
    });
    expect(known).toEqual({ number: 3, resumedFrom: { done: 7 } });
  });

  it('keeps the state of the previous attempt until it has its own', async () => {
    const { client, details } = deafClient();
    const attempt = attemptOf({ attempt: 2, heartbeatDetails: { done: 7 } }, client);
    const work = async () => {
      await pass(30);
      throw transient();
    };
    await failureOf(attempt.run(work));
    expect(attempt.heartbeats.length).toBeGreaterThan(2);
    for (const beat of [...attempt.heartbeats, ...details]) expect(beat).toEqual({ done: 7 });
  });

  it('is visible only to the functions that it calls', () => {
    expect(() => currentAttempt()).toThrow('runs in activities only');
  });

  it('sends the last heartbeat again when it fails', async () => {
    const attempt = attemptOf();
    const work = async () => {
      currentAttempt().keep({ details: () => ({ done: 7 }) });
      throw transient();
    };
    await failureOf(attempt.run(work));
    expect(attempt.heartbeats).toEqual([{ done: 7, waits_for: null }]);
  });

  it('reports in its heartbeats why it is slow', async () => {
    const attempt = attemptOf();
    await attempt.run(async () => {
      currentAttempt().keep({ details: () => ({ done: 7 }) });
      currentAttempt().reading.monitor?.trouble('Gigya is down');
      await pass(1);
    });
    expect(attempt.heartbeats.at(-1)).toEqual({ done: 7, waits_for: 'Gigya is down' });
  });

  it.each([
    ['fails', () => Promise.reject(transient())],
    ['succeeds', async () => {}],
  ])('aborts everything that it started when it %s', async (_what, end) => {
    let signal: AbortSignal | undefined;
    const work = async () => {
      signal = currentAttempt().signal;
      expect(signal.aborted).toBe(false);
      await end();
    };
    await attemptOf()
      .run(work)
      .catch(() => {});
    expect(signal?.aborted).toBe(true);
  });

  it('adds the work done so far to a final failure only', async () => {
    const work = (error: Error) => async () => {
      currentAttempt().keep({ soFar: () => ({ done: 7 }) });
      throw error;
    };
    const final = new GigyaError('x', decide('accounts.setAccountInfo', 403010));
    expect((await failureOf(attemptOf().run(work(final)))).details).toEqual([{ done: 7 }]);
    expect((await failureOf(attemptOf().run(work(transient())))).details).not.toEqual([{ done: 7 }]);
  });

  it('ends early enough for its last requests to finish within its time limit', async () => {
    const attempt = attemptOf({ startToCloseTimeoutMs: 30_000 });
    expect(await attempt.run(workFor(28))).toBe('done');
    const failure = await failureOf(attemptOf({ startToCloseTimeoutMs: 30_000 }).run(workFor(29)));
    expect(failure).toMatchObject({ type: 'AttemptOver', nonRetryable: false, nextRetryDelay: '1 s' });
  });
});

describe('a server that answers heartbeats', () => {
  it('gets one a second while there is progress, and far fewer while there is none', async () => {
    const { client, heartbeats } = deafClient();
    let done = 0;
    const work = (progress: number) => async () => {
      currentAttempt().keep({ details: () => ({ done }) });
      await currentAttempt().claim();
      for (let second = 0; second < 60; second++) {
        done += progress;
        await pass(1);
        assertMayWrite();
      }
    };
    const busy = attemptOf({}, client);
    await busy.run(work(1));
    // The SDK, which would end an attempt that sends none through it, sends every tenth.
    expect(busy.heartbeats).toHaveLength(6);
    expect(heartbeats() + busy.heartbeats.length).toBe(61);

    const before = heartbeats();
    const idle = attemptOf({}, client);
    await idle.run(work(0));
    expect(heartbeats() - before + idle.heartbeats.length).toBeLessThan(20);
  });

  it.each([
    ['that the run is cancelled', () => new ActivityCancelledError('cancelled')],
    ['that the activity is paused', () => new ActivityPausedError('paused')],
    ['that the activity is reset', () => new ActivityResetError('reset')],
  ])('%s does not mean that the work was reassigned', async (_what, error) => {
    const { client, onHeartbeat } = deafClient();
    onHeartbeat(() => Promise.reject(error()));
    const attempt = attemptOf({}, client);
    expect(await attempt.run(workFor(20))).toBe('done');
    // The SDK learns of it by a heartbeat of its own.
    expect(attempt.heartbeats.length).toBeGreaterThan(2);
  });

  it('ends the attempt immediately when it reports that the work was reassigned', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async () => {
      onHeartbeat(() => Promise.reject(new ActivityNotFoundError('not found')));
      await pass(1);
      assertMayWrite();
    };
    expect(await failureOf(attemptOf({}, client).run(work))).toMatchObject({
      type: 'AttemptOver',
      message: 'This attempt came after its time limit; the next attempt continues',
    });
  });

  it('prevents the start when the work was already reassigned', async () => {
    const { client, onHeartbeat } = deafClient();
    onHeartbeat(() => Promise.reject(new ActivityNotFoundError('not found')));
    const write = vi.fn();
    const work = async () => {
      await currentAttempt().claim();
      write();
    };
    expect(await failureOf(attemptOf({}, client).run(work))).toMatchObject({
      type: 'AttemptOver',
    });
    expect(write).not.toHaveBeenCalled();
  });

  it('gets none from an attempt that reads for less than a second', async () => {
    const { client, heartbeats } = deafClient();
    const attempt = attemptOf({}, client);
    await attempt.run(async () => {});
    expect([heartbeats(), attempt.heartbeats]).toEqual([0, []]);
  });

  it('has to answer one before the attempt may write', async () => {
    const { client, onHeartbeat } = deafClient();
    onHeartbeat(() => Promise.reject(new Error('UNAVAILABLE')));
    const lost = { type: 'AttemptOver', message: expect.stringContaining('lost its lease') };
    for (const write of [async () => assertMayWrite(), () => currentAttempt().claim()]) {
      expect(await failureOf(attemptOf({}, client).run(write))).toMatchObject(lost);
    }
  });
});

describe('a server that cannot be reached', () => {
  const away = () => Promise.reject(new Error('UNAVAILABLE'));

  it('may have reassigned the work near the heartbeat timeout, so the attempt ends', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async () => {
      await workFor(5)();
      onHeartbeat(away);
      await workFor(8)();
      await expect(workFor(1)()).rejects.toMatchObject({ type: 'AttemptOver' });
      assertMayWrite();
    };
    expect(await failureOf(attemptOf({}, client).run(work))).toMatchObject({
      type: 'AttemptOver',
      message:
        'This attempt lost its lease (process paused or Temporal unreachable); the next attempt continues',
    });
  });

  it('leaves the work to the attempt if it is reachable again in time', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async () => {
      await currentAttempt().claim();
      for (let outage = 0; outage < 4; outage++) {
        onHeartbeat(away);
        await workFor(6)();
        onHeartbeat(async () => {});
        await workFor(2)();
      }
      return 'done';
    };
    expect(await attemptOf({}, client).run(work)).toBe('done');
  });
});

describe('an attempt whose process was paused', () => {
  it.each([
    [7, 'done'],
    [9, 'AttemptOver'],
  ])('for %i seconds, with a heartbeat timeout of ten: %s', async (seconds, outcome) => {
    const { client } = deafClient();
    const work = async () => {
      await currentAttempt().claim();
      freeze(seconds);
      assertMayWrite();
      return 'done';
    };
    const ended = await attemptOf({}, client)
      .run(work)
      .catch((error: unknown) => (error instanceof ApplicationFailure ? error.type : error));
    expect(ended).toBe(outcome);
  });
});

describe('an attempt of a run that is cancelled', () => {
  it('aborts its work and returns the result so far', async () => {
    const attempt = attemptOf();
    const work = async () => {
      currentAttempt().keep({ soFar: () => 'so far' });
      attempt.cancel();
      expect(currentAttempt().signal.aborted).toBe(true);
      currentAttempt().signal.throwIfAborted();
      return 'all';
    };
    expect(await attempt.run(work)).toBe('so far');
  });

  it('is cancelled when it has no state', async () => {
    const attempt = attemptOf();
    const work = async () => {
      attempt.cancel();
      currentAttempt().signal.throwIfAborted();
    };
    await expect(attempt.run(work)).rejects.toBeInstanceOf(CancelledFailure);
  });

  it('does not start when it is already cancelled', async () => {
    const attempt = attemptOf();
    attempt.cancel();
    const work = vi.fn(async () => {});
    await expect(attempt.run(work)).rejects.toBeInstanceOf(CancelledFailure);
    expect(work).not.toHaveBeenCalled();
  });
});
