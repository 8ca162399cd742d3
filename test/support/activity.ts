import type { Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createAttemptInterceptor } from '../../src/activities/index.ts';

/** What the server tells an activity about itself. */
export function activityInfo(changes: Partial<Info> = {}): Info {
  return { ...defaultActivityInfo, ...changes };
}

export interface AttemptOfActivity {
  /** What was told to the server, in order. */
  heartbeats: unknown[];
  /** As the server tells it when the run is cancelled. */
  cancel(): void;
  run<P extends unknown[], R>(activity: (...args: P) => Promise<R>, ...args: P): Promise<R>;
}

/**
 * One attempt of an activity, with the time limits that the workflow gives it.
 *
 * @param client How the activity reaches the server; without it there is none.
 */
export function attemptOf(info: Partial<Info> = {}, client?: Client): AttemptOfActivity {
  const limits = { startToCloseTimeoutMs: 600_000, heartbeatTimeoutMs: 10_000 };
  const environment = new MockActivityEnvironment(
    { ...limits, ...info },
    // What fails here is meant to.
    {
      logger: new DefaultLogger('ERROR'),
      interceptors: [createAttemptInterceptor()],
      ...(client && { client }),
    },
  );
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  return {
    heartbeats,
    cancel: () => environment.cancel(),
    run: <P extends unknown[], R>(activity: (...args: P) => Promise<R>, ...args: P) =>
      environment.run<P, R, (...args: P) => Promise<R>>(activity, ...args),
  };
}
