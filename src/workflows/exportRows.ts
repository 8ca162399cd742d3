import { ApplicationFailure, continueAsNew } from '@temporalio/workflow';
import type { JobDocument } from '../job.ts';
import { readSelection, type Selection } from '../selection.ts';
import { activities } from './activities.ts';
import { type Carried, resume } from './carried.ts';
import { Desk } from './desk.ts';
import { complete, countAtEnd, settle } from './ending.ts';
import { plainly } from './failures.ts';
import type { Step } from './pump.ts';
import { beginRowsRun, exportSelected, type RowsRun } from './rows.ts';
import type { Summary } from './run.ts';

/**
 * Exports rows of an earlier run and no others: the users who could not be written, with their present membership, or
 * the plan that a preview found.
 *
 * The rows are read from that run's history, and go through the same pages, guard and writes as a run. Users who would
 * lose the audience come last, after the guard has accepted their number.
 *
 * @param document The job document. That of a plan is the preview's, written in spite of its `dry_run`.
 * @param selection Which rows, and of which run.
 * @param carried The state of a run that continued as new; only the workflow itself passes it.
 */
export async function exportRows(
  document: JobDocument,
  selection: Selection,
  carried?: Carried<RowsRun>,
): Promise<Summary> {
  const run = resume(carried) ?? beginRowsRun(Date.now());
  const desk = new Desk(run, document);
  try {
    const selected = parseSelection(selection);
    run.plan ??= await activities.preflight.executeWithOptions({ summary: 'credentials, audience, field' }, [
      selected.rows === 'plan' ? written(document) : document,
    ]);
    const { plan } = run;
    const carryOn = () => continueAsNew<typeof exportRows>(document, selection, { run, at: Date.now() });
    const step: Step = { run, plan, desk, carryOn };

    await exportSelected(run, selected, step);
    // A pause that was accepted while the last page was written still holds the run.
    await desk.resumed();
    await settle(step);
    return complete(step, (await countAtEnd(step))?.carriers ?? null);
  } catch (error) {
    await desk.fail(error);
    throw plainly(error, { counts: run.counts, failures: run.failures });
  }
}

function parseSelection(selection: unknown): Selection {
  const read = readSelection(selection);
  if (read) return read;
  throw ApplicationFailure.nonRetryable(
    'The second argument must be {"rows": "failures" or "plan", "workflow_id": "…", "run_id": "…"}',
    'InvalidJob',
  );
}

/** A plan is written with the settings that it was made with. */
function written(document: JobDocument): JobDocument {
  // Temporal's own tools pass on anything; preflight says what is wrong.
  if (typeof document?.config !== 'object' || document.config === null) return document;
  return { ...document, config: { ...document.config, dry_run: false } };
}
