import { setMaxListeners } from 'node:events';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { CallOptions } from '../gigya/client.ts';
import { asFailure } from './failures.ts';
import { createLease, MARGIN_MS } from './lease.ts';
import { createTroubleReport } from './trouble.ts';

export type { CallOptions };

/** One attempt of an activity, for what it calls. */
export interface Attempt {
  /** Counts from 1. */
  readonly number: number;
  /** Aborts when the attempt is over: cancelled, out of time, failed, or another has taken its place. */
  readonly signal: AbortSignal;
  /** Throws when the attempt is over. */
  assertCurrent(): void;
  /** For calls that read. */
  readonly reading: CallOptions;
  /** For calls that write: none is sent once the attempt is over. */
  readonly writing: CallOptions;
}

/** Heartbeats are a second apart: that is how much work a killed worker does twice. */
const HEARTBEAT_MS = 1_000;

/**
 * Runs an activity's work with a heartbeat a second.
 *
 * The work ends by itself when its time limit is near, and when this process was frozen, or cut off from
 * the server, for so long that another worker may have the work by now: what this attempt would write
 * then is old. A timed-out activity gets no signal from the server, so the attempt watches the clock itself.
 *
 * @param options.details What the next attempt goes on from, read at each heartbeat.
 * @param options.soFar What was done when the run is cancelled; without it the cancellation is thrown.
 */
export async function runAttempt<T>(
  work: (attempt: Attempt) => Promise<T>,
  { details = () => undefined, soFar }: { details?: () => unknown; soFar?: () => T } = {},
): Promise<T> {
  const context = Context.current();
  const { startToCloseTimeoutMs, attempt } = context.info;
  const trouble = createTroubleReport(context);
  const over = new AbortController();
  // Each request under way listens: more than Node takes for a leak.
  setMaxListeners(0, over.signal);
  const endsAt = startToCloseTimeoutMs > 0 ? Date.now() + startToCloseTimeoutMs - MARGIN_MS : Infinity;
  const lease = createLease(context, details);

  function assertCurrent(): void {
    if (lease.hasEnded()) over.abort(retryable('stood still, or was cut off from the server, for too long'));
    if (Date.now() > endsAt) over.abort(retryable('reached its time limit'));
    over.signal.throwIfAborted();
  }

  /** The server is asked beside the work, and not waited for: its last answer holds for a while. */
  async function holdOn(): Promise<void> {
    await lease.renew().catch(() => over.abort(retryable('came after its time')));
  }

  const onCancel = () => over.abort(context.cancellationSignal.reason);
  context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    if (context.cancellationSignal.aborted) onCancel();
    // The SDK's own heartbeats are what a cancellation comes back on.
    context.heartbeat(details());
    // This task may have lain in a process that was frozen.
    await holdOn();
    assertCurrent();
    timer = setInterval(() => {
      try {
        assertCurrent();
        context.heartbeat(details());
        void holdOn();
        trouble.report();
      } catch {
        clearInterval(timer);
      }
    }, HEARTBEAT_MS);
    const reading = { signal: over.signal, onTrouble: trouble.note };
    const writing = { ...reading, beforeSend: assertCurrent };
    return await work({ number: attempt, signal: over.signal, assertCurrent, reading, writing });
  } catch (error) {
    if (soFar && context.cancellationDetails?.cancelRequested) return soFar();
    context.heartbeat(details());
    const failure = asFailure(reasonOf(over.signal.aborted ? over.signal.reason : error), attempt);
    // What is under way beside the call that failed ends here, and not while the report is sent.
    over.abort(retryable('is over'));
    await trouble.reportFailure(failure);
    throw failure;
  } finally {
    clearInterval(timer);
    context.cancellationSignal.removeEventListener('abort', onCancel);
    over.abort(retryable('is over'));
  }
}

/** A failure takes the last heartbeat along, a cancellation does not: and the next worker is to go on after it. */
function reasonOf(error: unknown): unknown {
  const isShutDown = error instanceof CancelledFailure && error.message === 'WORKER_SHUTDOWN';
  return isShutDown ? retryable('was cut off by the shutdown of its worker') : error;
}

function retryable(what: string): ApplicationFailure {
  // The next attempt has nothing to wait for: it goes on with the next user.
  return ApplicationFailure.create({
    type: 'AttemptOver',
    message: `This attempt ${what}; another goes on`,
    nextRetryDelay: '1 s',
  });
}
