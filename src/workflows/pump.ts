import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  type WorkflowInfo,
  workflowInfo,
} from '@temporalio/workflow';
import type { WrittenPage } from '../activities/checkpoint.ts';
import type { SealedRecords } from '../activities/fetchedPage.ts';
import type { Plan } from '../activities/preflight.ts';
import type { PageToWrite } from '../activities/updateGigya.ts';
import { systematicFailure } from '../counts.ts';
import { MOST_CARRIED_BYTES, MOST_CRON_BYTES, MOST_CRON_EVENTS } from '../tuning.ts';
import type { Desk } from './desk.ts';
import { countPage, outcomesSoFar, type Run, sizePages } from './run.ts';
import { Window } from './window.ts';
import { writeRecords } from './writeRecords.ts';

/** What every step of a run uses. */
export interface Step {
  run: Run;
  plan: Plan;
  desk: Desk;
  /** Continues as new; only to be called with nothing in flight. */
  carryOn(): Promise<never>;
}

/** A page on its way from a source to Gigya. */
export interface Pumped {
  page: SealedRecords;
  /** Rows of the scan that the page represents. */
  rows: number;
  /** Whether rows that share a UID are already resolved. */
  isSettled: boolean;
  /** What Gigya must still hold of each record, sealed; of a plan only. */
  expected?: string;
  /** The summary of its activity in the Web UI. */
  summary: string;
}

/** Where pages come from. An implementation returns its pages and advances its cursor in the run. */
export interface Source {
  /** Pages that may be fetched at once. @default 1 */
  readonly atOnce?: number;
  /** The next page; null when there is none beside those being fetched, or at the end. */
  next(): Promise<Pumped | null>;
}

/** Fetches the pages of a source, and writes a few of them concurrently. */
export async function pump(source: Source, step: Step): Promise<void> {
  const { run, desk } = step;
  const fetches = new Window(() => source.atOnce ?? 1);
  const pages = new Window(() => run.pagesAtOnce);
  const drain = async () => {
    await fetches.drain();
    await pages.drain();
  };
  let wasNone = false;
  let isEnd = false;
  const fetchPage = async (isAlone: boolean) => {
    const pumped = await desk.during(() => source.next());
    wasNone = pumped === null;
    isEnd = wasNone && isAlone;
    if (pumped === null) return;
    do {
      await pages.room();
      // A page fetched before quiet hours is still written: it would be outdated after them.
      await desk.resumed();
      // Another page may have taken the room. Waiting for more in `add` would write this one in a pause.
    } while (!pages.hasRoom);
    await pages.add(() => desk.during(() => writePage(pumped, step)));
  };
  const scope = new CancellationScope();
  try {
    await scope.run(async () => {
      for (;;) {
        // What is being fetched may lead to more: only a source with nothing in flight can be at its end.
        await (wasNone ? fetches.drain() : fetches.room());
        if (isEnd) break;
        await desk.mayGoOn(drain);
        await continueAsNewIfLong(step, drain);
        const isAlone = fetches.isEmpty;
        await fetches.add(() => fetchPage(isAlone));
      }
      await drain();
    });
  } catch (error) {
    // Pages in flight stop after the current records, and report what they have written.
    scope.cancel();
    await CancellationScope.nonCancellable(() => Promise.all([fetches.settle(), pages.settle()]));
    throw error;
  }
}

async function writePage(
  { page, rows, summary, isSettled, expected }: Pumped,
  { run, plan, desk }: Step,
): Promise<void> {
  const startedAt = Date.now();
  const count = (written: WrittenPage | null) => {
    countPage(run, page, written, rows);
    desk.moved();
  };
  if (page.page === null) return count(null);
  const { readBack } = run;
  const input: PageToWrite = {
    plan,
    page: page.page,
    readBack,
    earlier: outcomesSoFar(run),
    isSettled,
    ...(expected !== undefined && { expected }),
  };
  await writeRecords(input, summary, count, (activity) => desk.writtenBy(activity));
  if (rows > 0) sizePages(run, rows, startedAt, Date.now());
  const systematic = systematicFailure(outcomesSoFar(run));
  if (systematic) throw ApplicationFailure.nonRetryable(systematic, 'Configuration');
}

/** Continues as new when the history grows long, once nothing is in flight. */
export async function continueAsNewIfLong(
  { run, carryOn }: Step,
  drain: () => Promise<void> = async () => {},
): Promise<void> {
  if (!mayContinueAsNew(run)) return;
  await drain();
  await condition(allHandlersFinished);
  await carryOn();
}

type HistoryInfo = Pick<WorkflowInfo, 'historyLength' | 'historySize'>;

/** Whether the history of a cron run nears a limit, beyond which the server would terminate the run and end the cron. */
export function isCronTooLong({ historyLength, historySize }: HistoryInfo): boolean {
  return historyLength >= MOST_CRON_EVENTS || historySize >= MOST_CRON_BYTES;
}

/** Whether the history is long, and `Run` fits a payload. */
function mayContinueAsNew({ leavers }: Run): boolean {
  const { continueAsNewSuggested, cronSchedule } = workflowInfo();
  // A cron run would lose its cron expression (seen on Temporal server 1.32).
  if (cronSchedule) {
    if (!isCronTooLong(workflowInfo())) return false;
    throw ApplicationFailure.nonRetryable(
      'The audience is too large for one run of a cron expression; create a schedule for the job ("client create")',
      'Configuration',
    );
  }
  const held = leavers.pages.reduce((sum, { page }) => sum + page.length, 0);
  return continueAsNewSuggested && held < MOST_CARRIED_BYTES;
}
