import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { FetchedPage } from '../activities/fetchMembership.ts';
import type { Activities } from '../activities/index.ts';
import type { Plan } from '../activities/preflight.ts';
import { breachOfLaw, systematicFailure } from '../counts.ts';
import type { JobDocument } from '../job.ts';
import { plainly } from './failures.ts';
import { isSealBroken, OBSTACLES, type Obstacle, shortfall, sweepAgain, warnIfShort } from './obstacles.ts';
import {
  beginRun,
  compareWithGigya,
  countPage,
  fateSoFar,
  type Run,
  type Summary,
  stepPast,
  summarize,
  warn,
} from './run.ts';
import { type Steering, steer } from './steering.ts';
import { createWindow, type Window } from './window.ts';

const { preflight, fetchMembership, updateGigya, countInGigya } = proxyActivities<Activities>({
  // A killed worker's page waits for the heartbeat timeout and the first interval.
  heartbeatTimeout: '10 s',
  startToCloseTimeout: '10 minutes',
  // A page that gets nowhere for so long is given up.
  scheduleToCloseTimeout: '10 hours',
  // Left out, this is not the documented default but TRY_CANCEL, which waits for nothing.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    maximumInterval: '10 minutes',
    nonRetryableErrorTypes: ['InvalidJob', 'Configuration', 'Guard', 'Accounting'],
  },
});

/** Pages that are written side by side, while the next one is fetched. */
const PAGES_AT_ONCE = 3;

/**
 * Exports an audience: each member's account in Gigya comes to carry the audiences that the member is in.
 *
 * A page of members is fetched from Lytics and recorded, sealed, before any of it is written: Lytics'
 * cursor may be a scroll position, which gives no page twice. A few pages are written side by side.
 * When its history grows long the run continues as new between two pages, with nothing under way:
 * all it has to know by then is the cursor and the counts.
 *
 * @param document The job document.
 * @param carried What the run knew when it continued as new; nobody else passes it.
 */
export async function exportAudience(document: JobDocument, carried?: Run): Promise<Summary> {
  const run = carried ?? beginRun(Date.now());
  const steering = steer(run, document);
  try {
    run.plan ??= await preflight.executeWithOptions({ summary: 'credentials, audience, field' }, [document]);
    steering.show('members');
    await exportMembers(document, run, run.plan, steering);
    const inGigya = await audit(run, run.plan, steering);
    const breach = breachOfLaw(run.counts);
    if (breach) throw ApplicationFailure.nonRetryable(`The counts do not add up: ${breach}`, 'Accounting');
    const summary = summarize(run, run.plan, inGigya, Date.now());
    steering.complete(summary);
    return summary;
  } catch (error) {
    await steering.fail(error);
    throw plainly(error);
  }
}

/** Goes through the audience, and again from its start when something came between. */
async function exportMembers(document: JobDocument, run: Run, plan: Plan, steering: Steering): Promise<void> {
  let obstacle: Obstacle | undefined;
  do obstacle = await sweep(document, run, plan, steering);
  while (obstacle && sweepAgain(run, obstacle));
  if (!obstacle) return warnIfShort(run);
  if (obstacle.fix === undefined) return warn(run, `${obstacle.reason}; members may have been missed`);
  throw ApplicationFailure.nonRetryable(
    `${obstacle.reason}, again and again; ${obstacle.fix}`,
    'Configuration',
  );
}

/** One way through the audience: pages are fetched one after the other, and written a few at once. */
async function sweep(
  document: JobDocument,
  run: Run,
  plan: Plan,
  steering: Steering,
): Promise<Obstacle | undefined> {
  const pages = createWindow(PAGES_AT_ONCE);
  const scope = new CancellationScope();
  try {
    return await scope.run(async () => {
      while (run.sweep.cursor) {
        await steering.mayGoOn();
        if (workflowInfo().continueAsNewSuggested) await carryOn(document, run, pages);
        const page = await fetch(run, plan, run.sweep.cursor);
        if (page.expired) {
          await pages.drain();
          return OBSTACLES.expired;
        }
        const firstMember = stepPast(run, page);
        await pages.add(() => write(run, plan, page, firstMember, steering));
      }
      await pages.drain();
      return shortfall(run);
    });
  } catch (error) {
    // What is under way stops after the user it is at, and says how far it got.
    scope.cancel();
    await CancellationScope.nonCancellable(() => pages.settle());
    if (isSealBroken(error)) return OBSTACLES.sealBroken;
    throw error;
  }
}

function fetch(run: Run, plan: Plan, cursor: NonNullable<Run['sweep']['cursor']>): Promise<FetchedPage> {
  const summary = `from member ${number(run.sweep.seen + 1)}`;
  return fetchMembership.executeWithOptions({ summary }, [{ plan, cursor, seen: run.sweep.seen }]);
}

async function write(run: Run, plan: Plan, page: FetchedPage, firstMember: number, steering: Steering) {
  const summary = `members ${number(firstMember)}–${number(firstMember + page.count - 1)}`;
  const { readBack } = run;
  const written =
    page.page === null
      ? null
      : await updateGigya.executeWithOptions({ summary }, [
          { plan, page: page.page, readBack, earlier: fateSoFar(run) },
        ]);
  countPage(run, page, written);
  const { handled, failures } = fateSoFar(run);
  const systematic = systematicFailure(handled, failures);
  if (systematic) throw ApplicationFailure.nonRetryable(systematic, 'Configuration');
  steering.show('members');
}

/** Continues as new, once nothing is under way. */
async function carryOn(document: JobDocument, run: Run, pages: Window): Promise<never> {
  await pages.drain();
  await condition(allHandlersFinished);
  return continueAsNew<typeof exportAudience>(document, run);
}

/** Waits until Gigya's index has caught up, so that the next run compares with the truth, and counts in it. */
async function audit(run: Run, plan: Plan, steering: Steering): Promise<number | null> {
  const { dry_run } = plan.job.config;
  if (run.counts.updated > 0 && !dry_run && plan.index_lag_seconds > 0) {
    steering.show('settling');
    await sleep(plan.index_lag_seconds * 1000, { summary: "Gigya's index catches up" });
  }
  const inGigya = await countInGigya.executeWithOptions({ summary: 'accounts that carry the audience' }, [
    plan,
  ]);
  if (inGigya !== null && !dry_run) compareWithGigya(run, inGigya);
  return inGigya;
}

const number = (value: number) => value.toLocaleString('en-US');
