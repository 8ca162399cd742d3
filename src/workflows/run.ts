import type { ReadBack, WrittenPage } from '../activities/checkpoint.ts';
import type { SealedRecords } from '../activities/fetchedPage.ts';
import type { MembersPage } from '../activities/fetchMembership.ts';
import type { QuietAhead } from '../activities/findQuietWindows.ts';
import type { Plan } from '../activities/preflight.ts';
import {
  accountedFor,
  addCounts,
  addFailures,
  type Counts,
  type Failures,
  MANY_SUCCEEDED,
  noCounts,
  type OutcomesSoFar,
} from '../counts.ts';
import type { Calls } from '../monitor.ts';
import {
  CALM_PAGES,
  LARGEST_PAGE,
  MOST_LANES,
  MOST_WARNINGS,
  PAGE_GROWTH,
  PAGE_SECONDS,
  PAGES_AT_ONCE,
  SMALLEST_PAGE,
} from '../tuning.ts';
import type { Between } from './carriersCounted.ts';
import { addCalls, type Estimate, forecast, type GuardFigures } from './estimate.ts';
import { type Lane, seenIn, stepLane, totalOf } from './lanes.ts';

/** The state of a run; passed on when it continues as new. */
export interface Run {
  /** When the run started, in ms. */
  startedAt: number;
  plan: Plan | null;
  counts: Counts;
  failures: Failures;
  scan: Scan;
  /** Whether the members are done. */
  isScanned: boolean;
  leavers: Leavers;
  /** Users in the audience, as Lytics last reported it. */
  total: number | null;
  readBack: ReadBack;
  /** Rows to fetch for the next page. */
  pageSize: number;
  /** Pages to write at once. */
  pagesAtOnce: number;
  /** When the last page was done, in ms. */
  pageDoneAt: number;
  /** Requests to Lytics at once; fewer after it asked to slow down, or did not answer. */
  lanesAtOnce: number;
  /** Pages fetched since then. */
  calmPages: number;
  warnings: string[];
  /** Members whose UID was on several rows of a page. */
  duplicates: number;
  paused: Pause | null;
  /** The quiet hours of the next days; null until they are needed. */
  quiet: QuietAhead | null;
  lastTrouble: { at: string; message: string } | null;
  /** Set for a retry: users who failed before may all fail the same way again. */
  mayAllFail?: boolean;
  /** Requests so far; in a preview only. */
  calls?: Calls;
}

/** One pass through the audience; repeated only when rows may have been lost. */
export interface Scan {
  /** From 1. */
  number: number;
  /** Its parts; none before it begins. */
  lanes: readonly Lane[];
  /** Pages fetched. */
  pages: number;
  /** Bytes of the heaviest Lytics page of the page that was fetched last; 0 while unknown. */
  heaviest: number;
  /** Why its lanes are not disjoint parts of the audience; null while they are. */
  mixed: string | null;
  /** Users fetched: rows, and those with several UIDs once for each. */
  fetched: number;
  /** Rows whose outcome is known. */
  counted: number;
  /** Users of this pass who carry the audience in Gigya now. */
  carrying: number;
  /** Those in the lanes that earlier passes read; absent when this pass reads all lanes. */
  carriedBefore?: Between;
  /** `counts.updated` when it began. */
  updatedBefore: number;
  /** Scans before this one that ended early and wrote nothing. */
  fruitless: number;
}

/** Users who carry the audience in Gigya and are not members. */
export interface Leavers {
  step: 'search' | 'decide' | 'write' | 'done';
  /** Gigya's search cursor. */
  cursor: string | null;
  /** Carriers missing from the audience whose membership is not read yet, sealed. */
  missing: string | null;
  /** How often the search started again. */
  restarts: number;
  /** What was found, sealed; held until the guard has decided. */
  pages: readonly { page: string; left: number }[];
  /** More were found than can be held: the search is repeated after these are written. */
  isPartial: boolean;
  carriers: number;
  removals: number;
  /** Carriers about whom Lytics says nothing. */
  silent: number;
  /** When the last of them was found, in ms. */
  foundAt: number;
  approval: Decision | null;
  /** Removals that were approved and are not written yet. */
  approved: number;
}

export interface Decision {
  /** When the run fails without a decision, in ms. */
  until: number;
  answer: 'approved' | 'refused' | null;
}

export interface Pause {
  /** In ms. */
  since: number;
  note: string;
}

/** The result of a run. */
export interface Summary {
  /** The job's name. */
  job: string;
  counts: Counts;
  /** How many users failed, by Gigya's error code or a reason of our own. */
  failures: Failures;
  audience: Plan['audience'];
  /** Users in Gigya that carry the audience now; null when they could not be counted. */
  in_gigya: number | null;
  dry_run: boolean;
  scans: number;
  seconds: number;
  warnings: string[];
  /** What a run would take; in a preview only. */
  estimate?: Estimate;
  /** Who would lose the audience; in a preview only, where leavers were looked for. */
  guard?: GuardFigures;
  /** The preview does not list all users who would change: its plan cannot be applied. */
  is_partial?: true;
}

/** Where a search for leavers begins. */
export const NOBODY_FOUND = {
  cursor: null,
  missing: null,
  carriers: 0,
  removals: 0,
  silent: 0,
  foundAt: 0,
  pages: [],
  isPartial: false,
};

export function beginRun(now: number): Run {
  return {
    startedAt: now,
    plan: null,
    counts: noCounts(),
    failures: {},
    scan: beginScan({ number: 1, lanes: [], updatedBefore: 0, fruitless: 0 }),
    isScanned: false,
    leavers: { ...NOBODY_FOUND, step: 'search', restarts: 0, approval: null, approved: 0 },
    total: null,
    readBack: { write: false, replacement: false },
    pageSize: SMALLEST_PAGE,
    pagesAtOnce: PAGES_AT_ONCE,
    pageDoneAt: now,
    lanesAtOnce: MOST_LANES,
    calmPages: 0,
    warnings: [],
    duplicates: 0,
    paused: null,
    quiet: null,
    lastTrouble: null,
  };
}

export function beginScan(
  pass: Pick<Scan, 'number' | 'lanes' | 'updatedBefore' | 'fruitless' | 'carriedBefore'>,
): Scan {
  const seen = seenIn(pass.lanes.filter(({ isDone }) => isDone));
  return {
    ...pass,
    pages: 0,
    heaviest: 0,
    mixed: null,
    fetched: seen,
    counted: seen,
    carrying: 0,
  };
}

export function warn(run: Run, warning: string, most = MOST_WARNINGS): void {
  if (!run.warnings.includes(warning) && run.warnings.length < most) run.warnings.push(warning);
}

/** Moves the scan past a page that was fetched from these lanes. */
export function stepPast(run: Run, lanes: readonly Lane[], page: MembersPage): void {
  const { scan } = run;
  scan.pages++;
  scan.fetched += page.counts.members ?? 0;
  scan.heaviest = page.heaviest;
  for (const [index, lane] of lanes.entries()) {
    const read = page.lanes[index];
    if (read) stepLane(lane, read, scan.pages);
  }
  run.total = totalOf(scan.lanes) ?? run.total;
  run.duplicates += page.duplicates;
  for (const audience of page.unlisted) {
    // There may be many of them: they must not take the place of others.
    warn(
      run,
      `Users are in "${audience}", which Lytics does not list; it was not exported`,
      MOST_WARNINGS / 2,
    );
  }
  for (const field of page.misfits ?? []) {
    warn(
      run,
      `Values of "${field}" do not fit their Gigya field or their mapping; the field was left as it is for these users`,
    );
  }
}

/**
 * Takes back requests to Lytics at once when it was slow, and adds one after many pages without trouble.
 *
 * @param page What it was allowed: `lanesAtOnce` when its fetch began, and the share of it that is left.
 */
export function adaptLanes(run: Run, { lanesAtOnce, share }: { lanesAtOnce: number; share: number }): void {
  if (share < 1) {
    run.calmPages = 0;
    // Pages that are fetched at the same time meet the same trouble.
    run.lanesAtOnce = Math.min(run.lanesAtOnce, Math.max(1, Math.floor(lanesAtOnce * share)));
    return;
  }
  run.calmPages++;
  if (run.calmPages % CALM_PAGES === 0) run.lanesAtOnce = Math.min(MOST_LANES, run.lanesAtOnce + 1);
}

/**
 * Counts the users of a page whose outcome is known.
 *
 * @param written Null when the page had no records.
 * @param rows Rows of the scan that the page represents.
 */
export function countPage(run: Run, page: SealedRecords, written: WrittenPage | null, rows: number): void {
  const { members = 0, left = 0 } = page.counts;
  addCounts(run.counts, page.counts);
  addFailures(run.failures, page.failures);
  addCalls(run, page.calls);
  addCalls(run, written?.calls);
  run.scan.counted += rows;
  if (!written) return;
  const { updated, unchanged, unknown_uid, failed, stale = 0 } = written;
  addCounts(run.counts, { updated, unchanged, unknown_uid, failed, stale });
  addFailures(run.failures, written.failures);
  if (written.stopped) {
    // Only the handled records count; usually a row stands for one record.
    const known = accountedFor({ ...noCounts(), ...page.counts });
    const missing = members + left - known - updated - unchanged - unknown_uid - failed - stale;
    // A page of rows of an earlier run may hold both.
    const leavers = Math.min(left, missing);
    run.counts.left -= leavers;
    run.counts.members -= missing - leavers;
    run.scan.counted = Math.max(0, run.scan.counted - missing);
  }
  run.scan.carrying += written.carrying;
  run.readBack.write ||= written.readBack.write;
  run.readBack.replacement ||= written.readBack.replacement;
}

/**
 * Sizes the next pages by the rate of one that is done. The worker finishes one page before it writes the next, so the
 * run worked on this one since the page before it was done.
 *
 * @param users Users of the page.
 * @param startedAt When its activity was scheduled, in ms.
 */
export function sizePages(run: Run, users: number, startedAt: number, now: number): void {
  const ms = now - Math.max(startedAt, run.pageDoneAt);
  run.pageDoneAt = now;
  const wanted = (users / Math.max(ms, 1)) * 1_000 * PAGE_SECONDS;
  const bounded = Math.min(wanted, run.pageSize * PAGE_GROWTH, LARGEST_PAGE);
  run.pageSize = Math.max(SMALLEST_PAGE, Math.ceil(bounded / SMALLEST_PAGE) * SMALLEST_PAGE);
  // When the smallest page takes longer, a second one would only delay a pause.
  run.pagesAtOnce = wanted < SMALLEST_PAGE ? 1 : PAGES_AT_ONCE;
}

/** Outcomes so far, for the check whether nearly all records fail in the same way. */
export function outcomesSoFar({ counts, failures, plan, mayAllFail }: Run): OutcomesSoFar {
  if (mayAllFail) return MANY_SUCCEEDED;
  const { unknown_uid } = counts;
  const isExpected = plan?.job.config.lite_accounts === true;
  return {
    handled: accountedFor(counts) - counts.no_gigya_id - counts.excluded - (isExpected ? unknown_uid : 0),
    failures: { ...failures, ...(unknown_uid > 0 && !isExpected && { unknown_uid }) },
  };
}

export function summarize(run: Run, plan: Plan, inGigya: number | null, now: number): Summary {
  if (run.duplicates > 0) {
    const { duplicates } = run;
    warn(
      run,
      `${duplicates} members share their Gigya UID with another; their profile decided, and they were written once`,
    );
  }
  return {
    job: plan.job.name,
    counts: run.counts,
    failures: run.failures,
    audience: plan.audience,
    in_gigya: inGigya,
    dry_run: plan.job.config.dry_run,
    scans: run.scan.number,
    seconds: Math.round((now - run.startedAt) / 1000),
    warnings: [...plan.warnings, ...run.warnings],
    ...(plan.job.config.dry_run && forecast(run, plan)),
    ...(plan.job.config.dry_run && run.leavers.isPartial && { is_partial: true }),
  };
}
