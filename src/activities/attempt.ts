import { setMaxListeners } from 'node:events';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { CallOptions } from '../gigya/client.ts';
import { asFailure } from './failures.ts';
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
/** What is left of an attempt's time limit for its last requests to come back. */
const MARGIN_MS = 2_000;

/**
 * Runs an activity's work with a heartbeat a second.
 *
 * The work ends by itself when its time limit is near, and when this process was frozen for so long
 * that the server must have given the work to another worker: what this attempt would write by then
 * is old. A timed-out activity gets no signal from the server, so the attempt watches the clock itself.
 *
 * @param options.details What the next attempt goes on from, read at each heartbeat.
 * @param options.soFar What was done when the run is cancelled; without it the cancellation is thrown.
 */
export async function runAttempt<T>(
  work: (attempt: Attempt) => Promise<T>,
  { details = () => undefined, soFar }: { details?: () => unknown; soFar?: () => T } = {},
): Promise<T> {
  const context = Context.current();
  const { startToCloseTimeoutMs, heartbeatTimeoutMs, attempt } = context.info;
  const trouble = createTroubleReport(context);
  const over = new AbortController();
  // Each request under way listens: more than Node takes for a leak.
  setMaxListeners(0, over.signal);
  const endsAt = startToCloseTimeoutMs > 0 ? Date.now() + startToCloseTimeoutMs - MARGIN_MS : Infinity;
  // A heartbeat is sent at once when due: one that is later than this may be too late.
  const longestGap = heartbeatTimeoutMs ? heartbeatTimeoutMs - MARGIN_MS : Infinity;
  let seenAt = Date.now();

  function assertCurrent(): void {
    const now = Date.now();
    if (now - seenAt > longestGap) over.abort(retryable('stood still for too long; another attempt goes on'));
    if (now > endsAt) over.abort(retryable('reached its time limit; another attempt goes on'));
    over.signal.throwIfAborted();
    seenAt = now;
  }

  const onCancel = () => over.abort(context.cancellationSignal.reason);
  context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  const timer = setInterval(() => {
    try {
      assertCurrent();
      context.heartbeat(details());
      trouble.report();
    } catch {
      clearInterval(timer);
    }
  }, HEARTBEAT_MS);
  try {
    if (context.cancellationSignal.aborted) onCancel();
    context.heartbeat(details());
    const reading = { signal: over.signal, onTrouble: trouble.note };
    const writing = { ...reading, beforeSend: assertCurrent };
    return await work({ number: attempt, signal: over.signal, assertCurrent, reading, writing });
  } catch (error) {
    if (soFar && context.cancellationDetails?.cancelRequested) return soFar();
    if (!context.cancellationSignal.aborted) context.heartbeat(details());
    const failure = asFailure(over.signal.aborted ? over.signal.reason : error, attempt);
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

function retryable(what: string): ApplicationFailure {
  // The next attempt has nothing to wait for: it goes on with the next user.
  return ApplicationFailure.create({
    type: 'AttemptOver',
    message: `This attempt ${what}`,
    nextRetryDelay: '1 s',
  });
}
