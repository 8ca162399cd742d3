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
 * Exports an audience: the record of every member in Gigya comes to name the audiences that the member is in,
 * and users who left the audience are corrected.
 *
 * Sources yield pages of records, which are sealed and recorded in the history before any of it is written: a
 * cursor may be a scroll position that returns no page twice. A few pages are written side by side. When the
 * history grows long the run continues as new between two pages, with nothing in flight; all it has to carry is
 * `Run`.
 *
 * @param document The job document.
 * @param carried What the run knew when it continued as new; nobody else passes it.
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

/** Waits until Gigya's index has caught up, so that the audit and the next run compare with the present. */
async function settle({ run, plan, desk }: Step): Promise<void> {
  if (run.counts.updated === 0 || plan.job.config.dry_run || plan.index_lag_seconds === 0) return;
  desk.show('settling');
  await sleep(plan.index_lag_seconds * 1000, { summary: "Gigya's index catches up" });
}

/** Counts who carries the audience in Gigya, and warns where that differs from what the run knows. */
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
  // Gigya's own count may match by word, and is then too high.
  if (carriers === carrying || (!isExact && carriers > carrying)) return;
  const reason =
    carriers > carrying
      ? 'the others were not corrected (see the warnings and failures), or something else writes the field'
      : 'members on several pages with one UID count several times, or something else writes the field';
  const [there, counted] = [carriers, carrying].map((users) => users.toLocaleString('en-US'));
  warn(run, `${there} users in Gigya carry the audience, but this run counted ${counted}: ${reason}`);
}
