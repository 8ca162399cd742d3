import { ApplicationFailure, sleep } from '@temporalio/workflow';
import { breachOfInvariant } from '../counts.ts';
import { activities } from './activities.ts';
import { carriersCounted } from './carriersCounted.ts';
import type { Step } from './pump.ts';
import { type Run, type Summary, summarize, warn } from './run.ts';

/** Waits until Gigya's index has caught up, so that the audit and the next run see the run's writes. */
export async function settle({ run, plan, desk }: Step): Promise<void> {
  if (run.counts.updated === 0 || plan.job.config.dry_run || plan.index_lag_seconds === 0) return;
  desk.show('settling');
  await sleep(plan.index_lag_seconds * 1000, { summary: "Gigya's index catches up" });
}

/** Counts who carries the audience in Gigya, and warns when the run counted a different number. */
export async function audit({ run, plan }: Step): Promise<number | null> {
  const count = await countCarriers(plan);
  if (count === null) return null;
  if (!plan.job.config.dry_run) compareWithGigya(run, count.carriers, count.isExact);
  return count.carriers;
}

/** Users who carry the audience in Gigya; null when they cannot be counted. */
export function countCarriers(plan: Step['plan']) {
  return activities.countCarriers.executeWithOptions({ summary: 'users who carry the audience' }, [plan]);
}

function compareWithGigya(run: Run, carriers: number, isExact: boolean): void {
  const { least, most } = carriersCounted(run.scan);
  const isMore = carriers > most;
  // Gigya's own count may match by word and include others.
  if (carriers >= least && !(isMore && isExact)) return;
  const reason = isMore
    ? 'the others were not corrected (see the warnings and failures), or something else writes the field'
    : 'members on several pages with one UID count several times, or something else writes the field';
  const bound = least === most ? '' : isMore ? 'at most ' : 'at least ';
  const [there, counted] = [carriers, isMore ? most : least].map((users) => users.toLocaleString('en-US'));
  warn(run, `${there} users in Gigya carry the audience, but this run counted ${bound}${counted}: ${reason}`);
}

/** Completes the run, once its counts add up. */
export function complete({ run, plan, desk }: Step, inGigya: number | null): Summary {
  const breach = breachOfInvariant(run.counts);
  if (breach) throw ApplicationFailure.nonRetryable(`The counts do not add up: ${breach}`, 'Accounting');
  const summary = summarize(run, plan, inGigya, Date.now());
  desk.complete(summary);
  return summary;
}
