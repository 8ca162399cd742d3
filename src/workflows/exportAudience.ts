import { ApplicationFailure, continueAsNew, sleep } from '@temporalio/workflow';
import { breachOfInvariant } from '../counts.ts';
import type { JobDocument } from '../job.ts';
import { activities } from './activities.ts';
import { type Carried, resume } from './carried.ts';
import { Desk } from './desk.ts';
import { plainly } from './failures.ts';
import { correctLeavers } from './leavers.ts';
import { exportMembers } from './members.ts';
import type { Step } from './pump.ts';
import { beginRun, type Run, type Summary, summarize, warn } from './run.ts';

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
    const inGigya = await audit(step);

    const breach = breachOfInvariant(run.counts);
    if (breach) throw ApplicationFailure.nonRetryable(`The counts do not add up: ${breach}`, 'Accounting');
    const summary = summarize(run, plan, inGigya, Date.now());
    desk.complete(summary);
    return summary;
  } catch (error) {
    await desk.fail(error);
    throw plainly(error, { counts: run.counts, failures: run.failures });
  }
}

/** Waits until Gigya's index has caught up, so that the audit and the next run see the run's writes. */
async function settle({ run, plan, desk }: Step): Promise<void> {
  if (run.counts.updated === 0 || plan.job.config.dry_run || plan.index_lag_seconds === 0) return;
  desk.show('settling');
  await sleep(plan.index_lag_seconds * 1000, { summary: "Gigya's index catches up" });
}

/** Counts who carries the audience in Gigya, and warns when the run counted a different number. */
async function audit({ run, plan }: Step): Promise<number | null> {
  const count = await activities.countCarriers.executeWithOptions(
    { summary: 'users who carry the audience' },
    [plan],
  );
  if (count === null) return null;
  if (!plan.job.config.dry_run) compareWithGigya(run, count.carriers, count.isExact);
  return count.carriers;
}

function compareWithGigya(run: Run, carriers: number, isExact: boolean): void {
  const { carrying } = run.scan;
  // Gigya's own count may match by word and include others.
  if (carriers === carrying || (!isExact && carriers > carrying)) return;
  const reason =
    carriers > carrying
      ? 'the others were not corrected (see the warnings and failures), or something else writes the field'
      : 'members on several pages with one UID count several times, or something else writes the field';
  const [there, counted] = [carriers, carrying].map((users) => users.toLocaleString('en-US'));
  warn(run, `${there} users in Gigya carry the audience, but this run counted ${counted}: ${reason}`);
}
