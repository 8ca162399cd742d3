import { WorkflowFailedError } from '@temporalio/client';
import { reasonOf } from '../../src/cli/errors.ts';
import type { ExportHandle } from './temporal.ts';

/** What a run failed with. Throws when it did not fail. */
export async function failureOf(handle: ExportHandle): Promise<{ type: string; message: string }> {
  const summary = await handle.result().catch((error: unknown) => {
    if (error instanceof WorkflowFailedError) return error;
    throw error;
  });
  if (summary instanceof WorkflowFailedError) return reasonOf(summary);
  throw new Error(`The run was to fail, and completed: ${JSON.stringify(summary.counts)}`);
}
