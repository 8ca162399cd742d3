import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentAttempt } from '../../src/activities/attempt.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';
import type { CallMonitor } from '../../src/monitor.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf } from '../support/activityRig.ts';
import { deafClient } from '../support/deafClient.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'] });
  vi.setSystemTime('2027-03-28T01:30:00Z');
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

/** The reasons that an activity reports to its run while it does this. */
async function reasonsOf(
  work: (monitor: CallMonitor, reasons: () => unknown[]) => Promise<void>,
  attempt = 1,
): Promise<unknown[]> {
  const { client, signals } = deafClient();
  const reasons = () =>
    signals.map((signal) => {
      expect(signal).toMatchObject([
        'trouble',
        {
          activity: 'the-activity',
          reason: expect.toSatisfy((reason) => reason === null || typeof reason === 'string'),
        },
      ]);
      return Object(Object(signal)[1]).reason;
    });
  await attemptOf({ activityId: 'the-activity', attempt }, client).run(async () => {
    const { monitor } = currentAttempt().reading;
    if (!monitor) throw new Error('There is no monitor');
    await work(monitor, reasons);
  });
  return reasons();
}

describe('trouble', () => {
  it('that lasts five seconds is reported, and cleared once a call succeeds', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      monitor.trouble('Gigya answered 500001');
      await pass(5);
      expect(soFar()).toEqual([]);
      await pass(2);
      expect(soFar()).toEqual(['Gigya answered 500001']);
      // However far apart the tries are.
      await pass(300);
      expect(soFar()).toHaveLength(1);
      monitor.succeeded();
      await pass(2);
    });
    expect(reasons).toEqual(['Gigya answered 500001', null]);
  });

  it('that passes within five seconds is not reported', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      for (let second = 0; second < 30; second++) {
        monitor.trouble('Gigya answered 500001');
        await pass(1);
        vi.setSystemTime(Date.now() + 1);
        monitor.succeeded();
        await pass(1);
      }
    });
    expect(reasons).toEqual([]);
  });

  it('that changes is reported again after at least 15 seconds', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      monitor.trouble('one');
      await pass(7);
      monitor.trouble('two');
      await pass(12);
      expect(soFar()).toEqual(['one']);
      await pass(4);
    });
    expect(reasons).toEqual(['one', 'two', null]);
  });

  it('that is marked as lasting is reported until it ends, even if other calls succeed', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      monitor.trouble('Lytics asked to slow down', 30_000);
      await pass(1);
      monitor.succeeded();
      await pass(6);
      expect(soFar()).toEqual(['Lytics asked to slow down']);
      await pass(30);
    });
    expect(reasons).toEqual(['Lytics asked to slow down', null]);
  });
});

describe('trouble that is still present when the activity ends', () => {
  it('is cleared, because nothing waits for it any more', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      monitor.throttled('Gigya limits the rate to about 17 calls a second', 0);
      await pass(7);
      monitor.succeeded();
    });
    expect(reasons).toEqual(['Gigya limits the rate to about 17 calls a second', null]);
  });
});

describe('whether the run is blocked', () => {
  const signalsOf = async (work: (monitor: CallMonitor) => void) => {
    const { client, signals } = deafClient();
    await attemptOf({ activityId: 'a1', attempt: 1 }, client).run(async () => {
      const { monitor } = currentAttempt().reading;
      if (monitor) work(monitor);
      await pass(17);
    });
    return signals[0];
  };

  it('is reported: by silence, and by retries without a success in between', async () => {
    expect(await signalsOf((monitor) => monitor.sent('Gigya'))).toMatchObject([
      'trouble',
      { is_blocked: true },
    ]);
    expect(await signalsOf((monitor) => monitor.trouble('500001'))).toMatchObject([
      'trouble',
      { is_blocked: true },
    ]);
  });

  it('is not reported of a service that limits the rate', async () => {
    expect(await signalsOf((monitor) => monitor.throttled('Gigya limits the rate', 0))).toEqual([
      'trouble',
      { activity: 'a1', reason: 'Gigya limits the rate' },
    ]);
  });
});

describe('a service that does not answer', () => {
  it('is reported long before the request times out, and cleared when it answers again', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      const answered = monitor.sent('Gigya');
      await pass(14);
      expect(soFar()).toEqual([]);
      await pass(3);
      expect(soFar()).toEqual(['Gigya has not answered since 01:30:00 UTC']);
      answered(true);
      monitor.succeeded();
      await pass(2);
    });
    expect(reasons).toEqual(['Gigya has not answered since 01:30:00 UTC', null]);
  });

  it('answers none of several requests', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      monitor.sent('Gigya');
      for (let second = 0; second < 60; second++) {
        monitor.sent('Gigya')(true);
        monitor.succeeded();
        await pass(1);
      }
    });
    expect(reasons).toEqual([]);
  });

  it('counts as not answering when it closes the connection', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      const answered = monitor.sent('Lytics');
      monitor.sent('Lytics')(false);
      await pass(20);
      answered(false);
    });
    expect(reasons).toEqual(['Lytics has not answered since 01:30:00 UTC', null]);
  });

  it('is not reported when no request is open', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      monitor.sent('Gigya')(true);
      await pass(120);
    });
    expect(reasons).toEqual([]);
  });
});

describe('a service that limits the rate', () => {
  it('is reported until no call was refused for 30 seconds, even if calls succeed', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      for (let second = 0; second < 20; second++) {
        monitor.throttled('Gigya limits the rate to about 50 calls a second', 0);
        monitor.succeeded();
        await pass(1);
      }
      expect(soFar()).toEqual(['Gigya limits the rate to about 50 calls a second']);
      await pass(28);
      expect(soFar()).toHaveLength(1);
      await pass(4);
    });
    expect(reasons).toEqual(['Gigya limits the rate to about 50 calls a second', null]);
  });

  it('is reported at once by an activity that begins in the meantime', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      monitor.throttled('Gigya limits the rate to about 50 calls a second', 60_000);
      await pass(1);
      expect(soFar()).toEqual(['Gigya limits the rate to about 50 calls a second']);
    });
    expect(reasons).toEqual(['Gigya limits the rate to about 50 calls a second', null]);
  });

  it('has lower priority than trouble that makes calls fail', async () => {
    const reasons = await reasonsOf(async (monitor) => {
      monitor.throttled('Gigya limits the rate', 0);
      monitor.trouble('Gigya answered 500001');
      await pass(7);
    });
    expect(reasons).toEqual(['Gigya answered 500001', null]);
  });
});

describe('an attempt that follows one that failed', () => {
  it('reports that the trouble is gone once a call succeeds', async () => {
    const reasons = await reasonsOf(async (monitor, soFar) => {
      await pass(30);
      expect(soFar()).toEqual([]);
      monitor.succeeded();
      await pass(2);
    }, 2);
    expect(reasons).toEqual([null]);
  });
});

describe('an attempt that fails', () => {
  const failing = async (error: Error) => {
    const { client, signals } = deafClient();
    const info = { attempt: 3, activityType: 'updateGigya', activityId: 'a1' };
    await failureOf(attemptOf(info, client).run(() => Promise.reject(error)));
    return signals;
  };

  it('reports why, and that it is retried', async () => {
    const error = new GigyaError('Gigya is down', decide('accounts.setAccountInfo', 500001));
    expect(await failing(error)).toEqual([
      [
        'trouble',
        { activity: 'a1', reason: 'updateGigya, attempt 3: Gigya is down; retrying', is_blocked: true },
      ],
    ]);
  });

  it.each([
    ['for good: the run fails with it', () => new GigyaError('x', decide('accounts.setAccountInfo', 403010))],
    ['because its time is up', () => ApplicationFailure.create({ type: 'AttemptOver' })],
  ])('reports nothing when it fails %s', async (_what, error) => {
    expect(await failing(error())).toEqual([]);
  });
});

describe('a run that cannot be reached', () => {
  it('does not disturb the work', async () => {
    const { client } = deafClient();
    const getHandle = vi.spyOn(client.workflow, 'getHandle').mockImplementation(() => {
      throw new Error('UNAVAILABLE');
    });
    const done = await attemptOf({}, client).run(async () => {
      currentAttempt().reading.monitor?.trouble('Gigya is down');
      await pass(10);
      return 'done';
    });
    expect(done).toBe('done');
    expect(getHandle).toHaveBeenCalled();
  });
});
