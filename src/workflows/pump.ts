import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  workflowInfo,
} from '@temporalio/workflow';
import type { WrittenPage } from '../activities/checkpoint.ts';
import type { FetchedPage } from '../activities/fetchedPage.ts';
import type { Plan } from '../activities/preflight.ts';
import { systematicFailure } from '../counts.ts';
import { MOST_CARRIED_BYTES, MOST_CRON_EVENTS, PAGES_AT_ONCE } from '../tuning.ts';
import { activities } from './activities.ts';
import type { Desk } from './desk.ts';
import { writtenBefore } from './failures.ts';
import { countPage, outcomesSoFar, type Run, sizePages } from './run.ts';
import { Window } from './window.ts';

/** What every step of a run works with. */
export interface Step {
  run: Run;
  plan: Plan;
  desk: Desk;
  /** Continues as new; only to be called with nothing in flight. */
  carryOn(): Promise<never>;
}

/** A page on its way from a source to Gigya. */
export interface Pumped {
  page: FetchedPage<unknown>;
  /** Rows of the scan that the page stands for. */
  rows: number;
  /** Whether rows that share a UID are settled already. */
  isSettled: boolean;
  /** For the row of its activity in the Web UI. */
  summary: string;
}

/** Where pages come from. To add one, yield its pages and move its cursor in the run. */
export interface Source {
  /** The next page; null at the end. */
  next(): Promise<Pumped | null>;
}

/** Pumps a source into Gigya: pages are fetched one after the other, and a few are written at a time. */
export async function pump(source: Source, step: Step): Promise<void> {
  const { desk } = step;
  const pages = new Window(PAGES_AT_ONCE);
  const scope = new CancellationScope();
  try {
    await scope.run(async () => {
      for (;;) {
        await desk.mayGoOn(() => pages.drain());
        await continueAsNewIfLong(step, pages);
        const pumped = await desk.during(() => source.next());
        if (pumped === null) break;
        await pages.room();
        // What was fetched before quiet hours is written: held until they end, it would be outdated.
        await desk.resumed();
        await pages.add(() => desk.during(() => writePage(pumped, step)));
      }
      await pages.drain();
    });
  } catch (error) {
    // What is in flight stops after the user it is at, and reports how far it got.
    scope.cancel();
    await CancellationScope.nonCancellable(() => pages.settle());
    throw error;
  }
}

async function writePage(
  { page, rows, summary, isSettled }: Pumped,
  { run, plan, desk }: Step,
): Promise<void> {
  const startedAt = Date.now();
  const count = (written: WrittenPage | null) => {
    countPage(run, page, written, rows);
    desk.moved();
  };
  if (page.page === null) return count(null);
  const input = { plan, page: page.page, readBack: run.readBack, earlier: outcomesSoFar(run), isSettled };
  const written = await activities.updateGigya
    .executeWithOptions({ summary }, [input])
    .catch((error: unknown) => {
      // What a failing page wrote belongs to the run.
      const before = writtenBefore(error);
      if (before) count(before);
      throw error;
    });
  count(written);
  if (rows > 0) sizePages(run, rows, Date.now() - startedAt);
  const systematic = systematicFailure(outcomesSoFar(run));
  if (systematic) throw ApplicationFailure.nonRetryable(systematic, 'Configuration');
}

/** Continues as new when the history grows long, once nothing is in flight. */
export async function continueAsNewIfLong({ run, carryOn }: Step, pages?: Window): Promise<void> {
  if (!mayContinueAsNew(run)) return;
  await pages?.drain();
  await condition(allHandlersFinished);
  await carryOn();
}

/** Whether the history grows long, and what the run carries fits a payload. */
function mayContinueAsNew({ leavers }: Run): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  // A run of a cron expression would lose its schedule (seen on Temporal server 1.32).
  if (workflowInfo().cronSchedule) {
    if (historyLength < MOST_CRON_EVENTS) return false;
    throw ApplicationFailure.nonRetryable(
      'The audience is too large for one run of a cron expression; make a schedule for the job ("client create")',
      'Configuration',
    );
  }
  const held = leavers.pages.reduce((sum, { page }) => sum + page.length, 0);
  return continueAsNewSuggested && held < MOST_CARRIED_BYTES;
}
