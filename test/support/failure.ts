import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { reasonOf } from '../../src/cli/errors.ts';

/** The failure of a run. Throws when it did not fail. */
export async function failureOf(handle: {
  result(): Promise<{ counts: unknown }>;
}): Promise<{ type: string; message: string }> {
  const summary = await handle.result().catch((error: unknown) => {
    if (error instanceof WorkflowFailedError) return error;
    throw error;
  });
  if (summary instanceof WorkflowFailedError) return reasonOf(summary);
  throw new Error(`The run was to fail, and completed: ${JSON.stringify(summary.counts)}`);
}

/** Why an update was refused; `accepted` when it was not. */
export async function refusalOf(update: Promise<unknown>): Promise<string> {
  try {
    await update;
    return 'accepted';
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) return error.cause?.message ?? error.message;
    throw error;
  }
}
