import { continueAsNew } from '@temporalio/workflow';
import type { JobDocument } from '../job.ts';
import { activities } from './activities.ts';
import { type Carried, resume } from './carried.ts';
import { Desk } from './desk.ts';
import { audit, complete, settle } from './ending.ts';
import { plainly } from './failures.ts';
import { correctLeavers } from './leavers.ts';
import { exportMembers } from './members.ts';
import type { Step } from './pump.ts';
import { beginRun, type Summary } from './run.ts';

/**
 * Exports an audience: writes each member's audiences to Gigya, and corrects users who left the audience.
 *
 * Sources yield sealed pages of records, which are recorded in the history before any record is written: a cursor
 * may be a scroll position that returns no row twice. A few pages are written concurrently. When the history grows
 * long, the run continues as new between two pages, with nothing in flight; it passes on `Run`.
 *
 * @param document The job document.
 * @param carried The state of a run that continued as new; only the workflow itself passes it.
 */
export async function exportAudience(document: JobDocument, carried?: Carried): Promise<Summary> {
  const run = resume(carried) ?? beginRun(Date.now());
  const desk = new Desk(run, document);
  try {
    run.plan ??= await activities.preflight.executeWithOptions({ summary: 'credentials, audience, field' }, [
      document,
    ]);
    const { plan } = run;
    const carryOn = () => continueAsNew<typeof exportAudience>(document, { run, at: Date.now() });
    const step: Step = { run, plan, desk, carryOn };

    await exportMembers(step);
    if (plan.job.config.on_exit === 'update') await correctLeavers(step);
    // A pause that was accepted while the last page was written still holds the run.
    await desk.resumed();
    await settle(step);
    return complete(step, await audit(step));
  } catch (error) {
    await desk.fail(error);
    throw plainly(error, { counts: run.counts, failures: run.failures });
  }
}
