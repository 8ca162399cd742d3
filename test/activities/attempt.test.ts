import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Attempt, runAttempt } from '../../src/activities/attempt.ts';
import { GigyaError } from '../../src/gigya/errors.ts';
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

/** Seconds that go by while nothing of this process runs. */
const freeze = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

/** Does so much work, a second a piece, and tells whether it may write after each. */
const workFor =
  (seconds: number) =>
  async ({ assertCurrent }: Attempt) => {
    for (let second = 0; second < seconds; second++) {
      await pass(1);
      assertCurrent();
    }
    return 'done';
  };

const transient = () => new GigyaError('Gigya is away', { kind: 'transient', method: 'x', code: 500001 });

describe('an attempt', () => {
  it('tells the server every second what the next one goes on from', async () => {
    const attempt = attemptOf();
    let done = 0;
    const work = async () => {
      for (done = 1; done <= 3; done++) await pass(1);
    };
    await attempt.run(() => runAttempt(work, { details: () => done }));
    expect(attempt.heartbeats).toEqual([0, 1, 2, 3]);
    // And no more when it is over.
    await pass(5);
    expect(attempt.heartbeats).toHaveLength(4);
  });

  it('tells it once more when it fails', async () => {
    const attempt = attemptOf();
    let done = 0;
    const work = async () => {
      done = 7;
      throw transient();
    };
    await failureOf(attempt.run(() => runAttempt(work, { details: () => done })));
    expect(attempt.heartbeats).toEqual([0, 7]);
  });

  it('ends everything that it had begun when it fails', async () => {
    let signal: AbortSignal | undefined;
    const work = async (attempt: Attempt) => {
      signal = attempt.signal;
      throw transient();
    };
    await failureOf(attemptOf().run(() => runAttempt(work)));
    expect(signal?.aborted).toBe(true);
  });

  it('ends in time, so that its last requests come back within its limit', async () => {
    const attempt = attemptOf({ startToCloseTimeoutMs: 30_000 });
    expect(await attempt.run(() => runAttempt(workFor(28)))).toBe('done');
    const failure = await failureOf(
      attemptOf({ startToCloseTimeoutMs: 30_000 }).run(() => runAttempt(workFor(29))),
    );
    expect(failure).toMatchObject({ type: 'AttemptOver', nonRetryable: false, nextRetryDelay: '1 s' });
  });
});

describe('a server that answers heartbeats', () => {
  it('leaves the work to the attempt for as long as it answers', async () => {
    const { client, heartbeats } = deafClient();
    expect(await attemptOf({}, client).run(() => runAttempt(workFor(60)))).toBe('done');
    expect(heartbeats()).toBeGreaterThan(55);
  });

  it.each([
    ['that the run is cancelled', () => new ActivityCancelledError('cancelled')],
    ['that the activity is paused', () => new ActivityPausedError('paused')],
    ['that the activity is reset', () => new ActivityResetError('reset')],
  ])('%s has not given the work away', async (_what, error) => {
    const { client, onHeartbeat } = deafClient();
    onHeartbeat(() => Promise.reject(error()));
    expect(await attemptOf({}, client).run(() => runAttempt(workFor(20)))).toBe('done');
  });

  it('that it has given the work away ends the attempt at once', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async ({ assertCurrent }: Attempt) => {
      onHeartbeat(() => Promise.reject(new ActivityNotFoundError('not found')));
      await pass(1);
      assertCurrent();
    };
    expect(await failureOf(attemptOf({}, client).run(() => runAttempt(work)))).toMatchObject({
      type: 'AttemptOver',
      message: 'This attempt came after its time; another goes on',
    });
  });

  it('that the work is given away before it began lets nothing begin', async () => {
    const { client, onHeartbeat } = deafClient();
    onHeartbeat(() => Promise.reject(new ActivityNotFoundError('not found')));
    const work = vi.fn(async () => {});
    expect(await failureOf(attemptOf({}, client).run(() => runAttempt(work)))).toMatchObject({
      type: 'AttemptOver',
    });
    expect(work).not.toHaveBeenCalled();
  });
});

describe('a server that cannot be reached', () => {
  const away = () => Promise.reject(new Error('UNAVAILABLE'));

  it('may have given the work away when the heartbeat timeout is near: the attempt ends', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async (attempt: Attempt) => {
      await workFor(5)(attempt);
      onHeartbeat(away);
      await workFor(8)(attempt);
      await expect(workFor(1)(attempt)).rejects.toMatchObject({ type: 'AttemptOver' });
      attempt.assertCurrent();
    };
    expect(await failureOf(attemptOf({}, client).run(() => runAttempt(work)))).toMatchObject({
      type: 'AttemptOver',
      message: 'This attempt stood still, or was cut off from the server, for too long; another goes on',
    });
  });

  it('and comes back in time leaves the work to the attempt', async () => {
    const { client, onHeartbeat } = deafClient();
    const work = async (attempt: Attempt) => {
      for (let outage = 0; outage < 4; outage++) {
        onHeartbeat(away);
        await workFor(6)(attempt);
        onHeartbeat(async () => {});
        await workFor(2)(attempt);
      }
      return 'done';
    };
    expect(await attemptOf({}, client).run(() => runAttempt(work))).toBe('done');
  });
});

describe('an attempt that stood still', () => {
  it.each([
    [7, 'done'],
    [9, 'AttemptOver'],
  ])('for %i seconds, with a heartbeat timeout of ten: %s', async (seconds, outcome) => {
    const { client } = deafClient();
    const work = async ({ assertCurrent }: Attempt) => {
      freeze(seconds);
      assertCurrent();
      return 'done';
    };
    const ended = await attemptOf({}, client)
      .run(() => runAttempt(work))
      .catch((error: unknown) => (error instanceof ApplicationFailure ? error.type : error));
    expect(ended).toBe(outcome);
  });
});

describe('trouble', () => {
  /** Meets the same trouble every second. */
  const meet = async ({ reading }: Attempt, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      reading.onTrouble?.('waiting for the rate limit');
      await pass(1);
    }
  };

  it('that lasts is told to the run, now and then, and in the end that it has passed', async () => {
    const { client, signals } = deafClient();
    const told = ['trouble', 'waiting for the rate limit'];
    const work = async (attempt: Attempt) => {
      await meet(attempt, 5);
      expect(signals).toEqual([]);
      await meet(attempt, 2);
      expect(signals).toEqual([told]);
      await meet(attempt, 10);
      expect(signals).toEqual([told]);
      await meet(attempt, 10);
      expect(signals).toEqual([told, told]);
      await pass(60);
    };
    await attemptOf({}, client).run(() => runAttempt(work));
    expect(signals.at(-1)).toEqual(['trouble', null]);
    expect(signals.filter((signal) => JSON.stringify(signal) === '["trouble",null]')).toHaveLength(1);
  });

  it('that was met once is none: the next try may have mended it', async () => {
    const { client, signals } = deafClient();
    const work = async ({ reading }: Attempt) => {
      reading.onTrouble?.('no answer from Gigya');
      await pass(60);
    };
    await attemptOf({}, client).run(() => runAttempt(work));
    expect(signals).toEqual([]);
  });

  it('that is said to last is told while it does', async () => {
    const { client, signals } = deafClient();
    const work = async ({ reading }: Attempt) => {
      reading.onTrouble?.('Lytics asked to slow down', 30_000);
      await pass(60);
    };
    await attemptOf({}, client).run(() => runAttempt(work));
    expect(signals[0]).toEqual(['trouble', 'Lytics asked to slow down']);
    expect(signals.at(-1)).toEqual(['trouble', null]);
  });

  it('that an attempt fails of is told, with what will be done about it', async () => {
    const { client, signals } = deafClient();
    const info = { attempt: 3, activityType: 'updateGigya' };
    await failureOf(attemptOf(info, client).run(() => runAttempt(() => Promise.reject(transient()))));
    expect(signals).toEqual([['trouble', 'updateGigya, attempt 3: Gigya is away; it will be tried again']]);
  });

  it.each([
    [
      'a final failure: the run fails of it',
      () => new GigyaError('x', { kind: 'configuration', method: 'x' }),
    ],
    ['an attempt whose time is up', () => ApplicationFailure.create({ type: 'AttemptOver' })],
  ])('is not %s', async (_what, error) => {
    const { client, signals } = deafClient();
    await failureOf(attemptOf({}, client).run(() => runAttempt(() => Promise.reject(error()))));
    expect(signals).toEqual([]);
  });
});
