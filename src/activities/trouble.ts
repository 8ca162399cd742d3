import { ApplicationFailure, type Context } from '@temporalio/activity';

/** Trouble that passes by itself so soon is none that a person has to see: each report is a few events of history. */
const LASTING_MS = 5_000;
/** What was not heard of for so long has passed. */
const PASSED_MS = 10_000;
const BETWEEN_REPORTS_MS = 15_000;
const PATIENCE_MS = 5_000;

/** Tells the run what an activity waits for or tries again, so that the person who watches it sees why it is slow. */
export interface TroubleReport {
  /** Something is in the way now, or will be for so long. */
  note(trouble: string, lastsMs?: number): void;
  /** Tells the run, if trouble lasts or has passed. To be called every second or so. */
  report(): void;
  /** Tells the run that this attempt failed, and will be followed by another. */
  reportFailure(failure: unknown): Promise<void>;
}

export function createTroubleReport(context: Context): TroubleReport {
  const { activityType, attempt, workflowExecution } = context.info;
  let since: number | undefined;
  let notedAt = 0;
  let latest = '';
  let told: { at: number; isTrouble: boolean } = { at: Number.NEGATIVE_INFINITY, isTrouble: false };

  async function tell(trouble: string | null): Promise<void> {
    told = { at: Date.now(), isTrouble: trouble !== null };
    if (!workflowExecution) return;
    const { workflowId, runId } = workflowExecution;
    try {
      const { client } = context;
      const run = client.workflow.getHandle(workflowId, runId);
      await client.withDeadline(Date.now() + PATIENCE_MS, () => run.signal('trouble', trouble));
    } catch {
      // The run has ended, or the server is away: the work matters more than the report.
    }
  }

  return {
    note(trouble, lastsMs = 0) {
      const now = Date.now();
      if (since === undefined || now - notedAt > PASSED_MS) since = now;
      notedAt = now + lastsMs;
      latest = trouble;
    },
    report() {
      const now = Date.now();
      if (now - told.at < BETWEEN_REPORTS_MS) return;
      const hasPassed = now - notedAt > PASSED_MS;
      if (hasPassed && told.isTrouble) void tell(null);
      // Heard of once, it may have been mended by the next try.
      const lasts = since !== undefined && Math.min(now, notedAt) - since > LASTING_MS;
      if (!hasPassed && lasts) void tell(latest);
    },
    async reportFailure(failure) {
      if (!(failure instanceof ApplicationFailure) || failure.nonRetryable || failure.type === 'AttemptOver')
        return;
      await tell(`${activityType}, attempt ${attempt}: ${failure.message}; it will be tried again`);
    },
  };
}
