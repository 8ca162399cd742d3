import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import { ActivityNotFoundError } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { CallOptions } from '../gigya/client.ts';
import type { Calls } from '../monitor.ts';
import { ATTEMPT_OVER } from '../names.ts';
import { HEARTBEAT_MS, LEASE_MARGIN_MS } from '../tuning.ts';
import type { WrittenPage } from './checkpoint.ts';
import { createFailures, type Failures, withDetails } from './failures.ts';
import { createLease } from './lease.ts';
import { createTroubleReport } from './trouble.ts';

/** What an activity provides when its attempt ends early. */
export interface Kept {
  /** What the next attempt continues from: read at each heartbeat. */
  details?: () => object;
  /**
   * The work done so far: the activity's result when the run is cancelled, and a detail of its failure. Without
   * it, a cancellation is thrown.
   */
  soFar?: () => unknown;
  /**
   * The counts of a page so far, which a failed attempt reports to the run: a run that ends before the next attempt
   * learns of them in no other way.
   */
  counts?: () => WrittenPage;
}

/** One attempt of an activity, for what it calls. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Aborts when the attempt is over: cancelled, out of time, failed, or replaced by another. */
  readonly signal: AbortSignal;
  /** The last heartbeat of the previous attempt; undefined when there is none. */
  readonly resumedFrom: unknown;
  /** For calls that read. */
  readonly reading: CallOptions;
  /** For calls that write: none is sent once the attempt is over, or before {@link claim}. */
  readonly writing: CallOptions;
  /** Takes the lease, which writes need. Throws when another attempt has the work. */
  claim(): Promise<void>;
  /** The requests so far. */
  readonly calls: Readonly<Calls>;
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
 * The attempt ends by itself shortly before its time limit, and when this process was frozen, or cut off from the
 * server, for so long that another attempt may have started: its writes would be outdated. The server does not
 * notify an activity that timed out, so the attempt checks the time itself.
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
    if (lease.hasEnded()) over.abort(leaseLost());
    if (Date.now() > endsAt) over.abort(attemptOver('reached its time limit'));
    over.signal.throwIfAborted();
  }

  function assertMayWrite(): void {
    if (!lease.hasBegun) over.abort(leaseLost());
    assertCurrent();
  }

  const onCancel = () => over.abort(context.cancellationSignal.reason);
  context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    if (context.cancellationSignal.aborted) onCancel();
    over.signal.throwIfAborted();
    timer = setInterval(() => {
      try {
        assertCurrent();
        void unlessReassigned(lease.beat(), over);
        trouble.report();
      } catch {
        clearInterval(timer);
      }
    }, HEARTBEAT_MS);
    const turn = { job: context.info.workflowExecution?.workflowId ?? '', order: performance.now() };
    const reading = { signal: over.signal, monitor: trouble.monitor, turn };
    const attempt: Attempt = {
      number,
      signal: over.signal,
      resumedFrom: heartbeatDetails,
      reading,
      writing: { ...reading, beforeSend: assertMayWrite },
      async claim() {
        // This task may have waited in a process that was frozen.
        await unlessReassigned(lease.renew(), over);
        assertMayWrite();
      },
      calls: trouble.calls,
      keep(next) {
        kept = next;
      },
    };
    const result = await current.run(attempt, work);
    failures.forget(context.info);
    clearInterval(timer);
    await trouble.reportEnd();
    return result;
  } catch (error) {
    if (kept.soFar && context.cancellationDetails?.cancelRequested) return kept.soFar();
    context.heartbeat(details());
    const failure = failures.toFailure(
      causeOf(over.signal.aborted ? over.signal.reason : error),
      context.info,
    );
    // Abort the other requests of this attempt before the report is sent.
    over.abort(attemptOver('has ended'));
    await trouble.reportFailure(failure, kept.counts?.());
    throw withDetails(failure, kept.soFar);
  } finally {
    clearInterval(timer);
    context.cancellationSignal.removeEventListener('abort', onCancel);
    over.abort(attemptOver('has ended'));
  }
}

/** Ends the attempt when the server answers a heartbeat with the news that another attempt has the work, or with its own error. */
async function unlessReassigned(heartbeat: Promise<void>, over: AbortController): Promise<void> {
  await heartbeat.catch((error: unknown) => {
    const isReassigned = error instanceof ActivityNotFoundError;
    over.abort(isReassigned ? attemptOver('came after its time limit') : error);
  });
}

/** Turns a shutdown into a failure: the next attempt receives the last heartbeat after a failure, but not after a cancellation. */
function causeOf(error: unknown): unknown {
  const isShutDown = error instanceof CancelledFailure && error.message === 'WORKER_SHUTDOWN';
  return isShutDown ? attemptOver('was ended by the shutdown of its worker') : error;
}

const leaseLost = () => attemptOver('lost its lease (process paused or Temporal unreachable)');

function attemptOver(what: string): ApplicationFailure {
  // No reason to wait: the next attempt continues with the next user.
  return ApplicationFailure.create({
    type: ATTEMPT_OVER,
    message: `This attempt ${what}; the next attempt continues`,
    nextRetryDelay: '1 s',
  });
}
