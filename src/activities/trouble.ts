import { ApplicationFailure, type Context } from '@temporalio/activity';
import type { CallMonitor, Calls } from '../monitor.ts';
import { ATTEMPT_OVER, TROUBLE_SIGNAL } from '../names.ts';
import {
  BETWEEN_REPORTS_MS,
  LASTING_TROUBLE_MS,
  SERVER_PATIENCE_MS,
  SILENCE_MS,
  THROTTLED_MS,
} from '../tuning.ts';
import type { WrittenPage } from './checkpoint.ts';

/** Reports to the run what an activity waits for or retries, so that people see why it is slow. */
export interface TroubleReport {
  readonly monitor: CallMonitor;
  /** The requests so far. */
  readonly calls: Readonly<Calls>;
  /** Why the activity is slow now; undefined when it is not. */
  reason(): string | undefined;
  /** Reports a lasting reason, and when it has passed. Call it about every second. */
  report(): void;
  /** Reports that this attempt failed, and that another follows. */
  reportFailure(failure: unknown, counts?: WrittenPage): Promise<void>;
  /** Takes back what was reported: the activity has completed. */
  reportEnd(): Promise<void>;
}

/** What an activity (by its id) waits for or retries; null when it continues. */
export interface Trouble {
  activity: string;
  reason: string | null;
  /** No call succeeds, rather than each being slow. */
  is_blocked?: boolean;
  /** What the failed attempt of a page, and those before it, had written. */
  written?: WrittenPage;
}

export function createTroubleReport(context: Context): TroubleReport {
  const { activityId, activityType, attempt, workflowExecution } = context.info;
  const calls = createCallLog();
  let since: number | undefined;
  let reportedAt = Number.NEGATIVE_INFINITY;
  // The previous attempt may have reported its failure.
  let reported: string | null = attempt > 1 ? '' : null;

  async function tell(reason: string | null, more: Omit<Trouble, 'activity' | 'reason'> = {}): Promise<void> {
    reported = reason;
    reportedAt = Date.now();
    if (reason !== null) context.log.warn('The run waits', { reason });
    if (!workflowExecution) return;
    const { workflowId, runId } = workflowExecution;
    try {
      const { client } = context;
      const run = client.workflow.getHandle(workflowId, runId);
      await client.withDeadline(Date.now() + SERVER_PATIENCE_MS, () =>
        run.signal<[Trouble]>(TROUBLE_SIGNAL, { activity: activityId, reason, ...more }),
      );
    } catch {
      // The run has ended, or the server cannot be reached: the work matters more than the report.
    }
  }

  async function reportEnd(): Promise<void> {
    if (reported !== null) await tell(null);
  }

  return {
    monitor: calls.monitor,
    calls: calls.calls,
    reason: () => calls.present(Date.now())?.message,
    report() {
      const now = Date.now();
      const present = calls.present(now);
      if (present === undefined) {
        since = undefined;
        if (reported !== null && calls.hasSucceeded()) void tell(null);
        return;
      }
      const { message, isBlocked, lastedMs } = present;
      since ??= now - lastedMs;
      const lasts = now - since >= LASTING_TROUBLE_MS;
      const isDue = reported === null || now - reportedAt >= BETWEEN_REPORTS_MS;
      if (lasts && isDue && message !== reported) void tell(message, isBlocked ? { is_blocked: true } : {});
    },
    reportEnd,
    async reportFailure(failure, counts) {
      if (!(failure instanceof ApplicationFailure) || failure.nonRetryable) return;
      if (failure.type === ATTEMPT_OVER) return;
      const message = `${activityType}, attempt ${attempt}: ${failure.message}; retrying`;
      await tell(message, { is_blocked: true, ...(counts && { written: counts }) });
    },
  };
}

interface Present {
  message: string;
  /** No call succeeds. */
  isBlocked: boolean;
  /** How long it had lasted before this activity met it. */
  lastedMs: number;
}

/** Determines from the calls of an activity why it is slow. */
function createCallLog() {
  const waiting = new Map<string, { requests: number; since: number }>();
  let trouble: { message: string; at: number; until: number } | undefined;
  let throttled: { message: string; at: number; lastedMs: number } | undefined;
  let succeededAt = Number.NEGATIVE_INFINITY;
  const calls: Calls = { lytics: 0, gigya: 0, searches: 0 };

  const monitor: CallMonitor = {
    sent(service, kind) {
      const now = Date.now();
      calls[service === 'Lytics' ? 'lytics' : kind === 'search' ? 'searches' : 'gigya']++;
      const state = waiting.get(service) ?? { requests: 0, since: now };
      waiting.set(service, state);
      if (state.requests++ === 0) state.since = now;
      return (isAnswered) => {
        state.requests--;
        if (isAnswered) state.since = Date.now();
      };
    },
    succeeded() {
      succeededAt = Date.now();
    },
    trouble(message, lastsMs = 0) {
      const at = Date.now();
      trouble = { message, at, until: at + lastsMs };
    },
    throttled(message, lastedMs) {
      throttled = { message, at: Date.now(), lastedMs };
    },
  };

  function silence(now: number): string | undefined {
    for (const [service, { requests, since }] of waiting) {
      if (requests === 0 || now - since < SILENCE_MS) continue;
      return `${service} has not answered since ${new Date(since).toISOString().slice(11, 19)} UTC`;
    }
    return undefined;
  }

  return {
    monitor,
    calls,
    hasSucceeded: () => succeededAt > Number.NEGATIVE_INFINITY,
    present(now: number): Present | undefined {
      // A reason remains until a call succeeds, however far apart the attempts are.
      if (trouble && (trouble.until > now || trouble.at >= succeededAt)) {
        return { message: trouble.message, isBlocked: trouble.at >= succeededAt, lastedMs: 0 };
      }
      const silent = silence(now);
      if (silent !== undefined) return { message: silent, isBlocked: true, lastedMs: 0 };
      if (!throttled || now - throttled.at >= THROTTLED_MS) return undefined;
      return { message: throttled.message, isBlocked: false, lastedMs: throttled.lastedMs };
    },
  };
}
