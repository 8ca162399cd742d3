import type { Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createAttemptInterceptor } from '../../src/activities/index.ts';

/** The server's information about an activity. */
export function activityInfo(changes: Partial<Info> = {}): Info {
  return { ...defaultActivityInfo, ...changes };
}

export interface AttemptOfActivity {
  /** What was sent to the server, in order. */
  heartbeats: unknown[];
  /** Cancels the activity, as the server does when the run is cancelled. */
  cancel(): void;
  run<P extends unknown[], R>(activity: (...args: P) => Promise<R>, ...args: P): Promise<R>;
}

/**
 * One attempt of an activity, with the time limits that the workflow gives it.
 *
 * @param client The activity's connection to the server; omit it for no server.
 */
export function attemptOf(info: Partial<Info> = {}, client?: Client): AttemptOfActivity {
  const limits = { startToCloseTimeoutMs: 600_000, heartbeatTimeoutMs: 10_000 };
  const environment = new MockActivityEnvironment(
    { ...limits, ...info },
    // Failures here are intended.
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
