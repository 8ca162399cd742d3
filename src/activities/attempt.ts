import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { CallOptions } from '../gigya/client.ts';
import { HEARTBEAT_MS, LEASE_MARGIN_MS } from '../tuning.ts';
import { createFailures, type Failures, withDetails } from './failures.ts';
import { createLease, type Lease } from './lease.ts';
import { ATTEMPT_OVER, createTroubleReport } from './trouble.ts';

/** What an activity leaves behind when its attempt ends early. */
export interface Kept {
  /** What the next attempt continues from: read at each heartbeat. */
  details?: () => object;
  /**
   * What is done by now: the activity's result when the run is cancelled, and a detail of its failure. Without
   * it a cancellation is thrown.
   */
  soFar?: () => unknown;
}

/** One attempt of an activity, for what it calls. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Aborts when the attempt is over: cancelled, out of time, failed, or replaced by another. */
  readonly signal: AbortSignal;
  /** What the attempt before left behind; undefined when there is nothing. */
  readonly resumedFrom: unknown;
  /** For calls that read. */
  readonly reading: CallOptions;
  /** For calls that write: none is sent once the attempt is over. */
  readonly writing: CallOptions;
  keep(kept: Kept): void;
}

const current = new AsyncLocalStorage<Attempt>();

/** The attempt that the caller runs in. */
export function currentAttempt(): Attempt {
  const attempt = current.getStore();
  if (!attempt) throw new Error('This code runs in activities only, behind the attempt interceptor');
  return attempt;
}

/**
 * Runs every activity as an attempt: with a heartbeat a second, a lease, a report of what it waits for, and
 * with its errors turned into Temporal failures.
 */
export function createAttemptInterceptor(): ActivityInterceptorsFactory {
  const failures = createFailures();
  return (context) => ({
    inbound: { execute: (input, next) => runAttempt(context, failures, () => next(input)) },
  });
}

/**
 * The work ends by itself when its time limit is near, and when this process was frozen, or cut off from the
 * server, for so long that another worker may have the work: what this attempt would write then is outdated.
 * The server does not signal an activity that timed out, so the attempt watches the clock.
 */
async function runAttempt(
  context: Context,
  failures: Failures,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { startToCloseTimeoutMs, attempt: number, heartbeatDetails } = context.info;
  const trouble = createTroubleReport(context);
  const over = new AbortController();
  // Each request in flight listens; above ten listeners Node would warn of a leak.
  setMaxListeners(0, over.signal);
  const endsAt = startToCloseTimeoutMs > 0 ? Date.now() + startToCloseTimeoutMs - LEASE_MARGIN_MS : Infinity;
  let kept: Kept = {};
  const details = () =>
    kept.details ? { ...kept.details(), waits_for: trouble.reason() ?? null } : heartbeatDetails;
  const lease = createLease(context, details);

  function assertCurrent(): void {
    if (lease.hasEnded()) over.abort(attemptOver('lost its lease (process paused or Temporal unreachable)'));
    if (Date.now() > endsAt) over.abort(attemptOver('reached its time limit'));
    over.signal.throwIfAborted();
  }

  const onCancel = () => over.abort(context.cancellationSignal.reason);
  context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    if (context.cancellationSignal.aborted) onCancel();
    // The SDK's own heartbeats are what a cancellation comes back on.
    context.heartbeat(heartbeatDetails);
    // This task may have waited in a process that was frozen.
    await renew(lease, over);
    assertCurrent();
    timer = setInterval(() => {
      try {
        assertCurrent();
        context.heartbeat(details());
        void renew(lease, over);
        trouble.report();
      } catch {
        clearInterval(timer);
      }
    }, HEARTBEAT_MS);
    const reading = { signal: over.signal, monitor: trouble.monitor };
    const attempt: Attempt = {
      number,
      signal: over.signal,
      resumedFrom: heartbeatDetails,
      reading,
      writing: { ...reading, beforeSend: assertCurrent },
      keep(next) {
        kept = next;
      },
    };
    const result = await current.run(attempt, work);
    failures.forget(context.info);
    return result;
  } catch (error) {
    if (kept.soFar && context.cancellationDetails?.cancelRequested) return kept.soFar();
    context.heartbeat(details());
    const failure = failures.toFailure(
      causeOf(over.signal.aborted ? over.signal.reason : error),
      context.info,
    );
    // Other requests of this attempt end here, and not while the report is sent.
    over.abort(attemptOver('has ended'));
    await trouble.reportFailure(failure);
    throw withDetails(failure, kept.soFar);
  } finally {
    clearInterval(timer);
    context.cancellationSignal.removeEventListener('abort', onCancel);
    over.abort(attemptOver('has ended'));
  }
}

/** The server is asked beside the work, which does not wait for the answer: the last one is valid for a while. */
async function renew(lease: Lease, over: AbortController): Promise<void> {
  await lease.renew().catch(() => over.abort(attemptOver('came after its time limit')));
}

/** A failure carries the last heartbeat, a cancellation does not: and the next worker has to continue from it. */
function causeOf(error: unknown): unknown {
  const isShutDown = error instanceof CancelledFailure && error.message === 'WORKER_SHUTDOWN';
  return isShutDown ? attemptOver('was ended by the shutdown of its worker') : error;
}

function attemptOver(what: string): ApplicationFailure {
  // The next attempt has nothing to wait for: it continues with the next user.
  return ApplicationFailure.create({
    type: ATTEMPT_OVER,
    message: `This attempt ${what}; another one continues`,
    nextRetryDelay: '1 s',
  });
}
