import { type ActivityOptions, ApplicationFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { CarriersCount } from '../activities/countCarriers.ts';
import { breachOfInvariant } from '../counts.ts';
import { activities } from './activities.ts';
import { carriersCounted } from './carriersCounted.ts';
import { reasonOf } from './failures.ts';
import type { Step } from './pump.ts';
import { type Run, type Summary, summarize, warn } from './run.ts';

/** Waits until Gigya's index has caught up, so that the audit and the next run see the run's writes. */
export async function settle({ run, plan, desk }: Step): Promise<void> {
  // From here on there is no page that a pause could hold.
  desk.show('settling');
  if (run.counts.updated === 0 || plan.job.config.dry_run || plan.index_lag_seconds === 0) return;
  await sleep(plan.index_lag_seconds * 1000, { summary: "Gigya's index catches up" });
}

/** Counts who carries the audience in Gigya, and warns when the run counted a different number. */
export async function audit(step: Step): Promise<number | null> {
  const { run, plan } = step;
  const count = await countAtEnd(step);
  if (count === null) return null;
  if (!plan.job.config.dry_run) compareWithGigya(run, count.carriers, count.isExact);
  return count.carriers;
}

/** As {@link countCarriers}, but all writes are done: a failure is a warning, and comes soon. */
export async function countAtEnd({ run, plan }: Step): Promise<CarriersCount | null> {
  try {
    return await countCarriers(plan, { scheduleToCloseTimeout: '10 minutes' });
  } catch (error) {
    if (isCancellation(error)) throw error;
    warn(run, `The users who carry the audience in Gigya could not be counted: ${reasonOf(error).reason}`);
    return null;
  }
}

/** Users who carry the audience in Gigya; null when they cannot be counted. */
export function countCarriers(
  plan: Step['plan'],
  options: Pick<ActivityOptions, 'scheduleToCloseTimeout'> = {},
): Promise<CarriersCount | null> {
  const summary = 'users who carry the audience';
  return activities.countCarriers.executeWithOptions({ summary, ...options }, [plan]);
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
