import { WorkflowContinuedAsNewError, WorkflowFailedError } from '@temporalio/client';
import type { FailedRun } from '../workflows/failures.ts';
import type { Summary } from '../workflows/run.ts';
import type { Temporal } from './connect.ts';
import { doneBefore, type Reason, reasonOf } from './errors.ts';
import { handleOf } from './runs.ts';

export type Outcome = { summary: Summary } | { failure: Reason; done: FailedRun | undefined };

/** Without this feature the server returns the next run of a cron instead of the result. */
const SHOW_RESULT = { 'supported-features': 'follows-next-run-id' };

export interface OutcomeOptions {
  /** Called with the next link of the chain. */
  onNext?: (runId: string) => void;
  /** Stops waiting. */
  signal?: AbortSignal;
}

/**
 * Waits for the end of a run: follows its chain where it continued as new, but not a cron's next run.
 */
export async function outcomeOf(
  temporal: Temporal,
  run: { workflowId: string; runId: string },
  { onNext, signal = new AbortController().signal }: OutcomeOptions = {},
): Promise<Outcome> {
  const { connection } = temporal.client;
  let { runId } = run;
  for (;;) {
    try {
      const handle = handleOf(temporal, { workflowId: run.workflowId, runId });
      const summary = await connection.withMetadata(SHOW_RESULT, () =>
        connection.withAbortSignal(signal, () => handle.result()),
      );
      return { summary };
    } catch (error) {
      if (error instanceof WorkflowFailedError) {
        return { failure: reasonOf(error), done: doneBefore(error) };
      }
      if (!(error instanceof WorkflowContinuedAsNewError)) throw error;
      runId = error.newExecutionRunId;
      onNext?.(runId);
    }
  }
}
