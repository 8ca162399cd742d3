import type { Cursor, FetchedPage } from '../activities/fetchMembership.ts';
import type { Plan } from '../activities/preflight.ts';
import type { ReadBack, WrittenPage } from '../activities/updateGigya.ts';
import { accountedFor, addCounts, addFailures, type Counts, type Failures, noCounts } from '../counts.ts';

/** All that a run knows, in one value: what it goes on from when it continues as new. */
export interface Run {
  /** When the run began, in ms. */
  startedAt: number;
  plan: Plan | null;
  counts: Counts;
  failures: Failures;
  /** The way through the audience from its beginning; one is enough unless a page may have been lost. */
  sweep: Sweep;
  /** Users of the audience, as Lytics last told it. */
  total: number | null;
  readBack: ReadBack;
  warnings: string[];
  /** Members whose UID stood twice in a page. */
  duplicates: number;
  paused: Pause | null;
  lastTrouble: { at: string; message: string } | null;
}

export interface Sweep {
  /** Counts from 1. */
  number: number;
  /** Where the next page begins; null when all pages were fetched. */
  cursor: Cursor | null;
  /** Rows fetched, as Lytics counts them. */
  seen: number;
  /** Members fetched: rows, and those with several UIDs once for each. */
  fetched: number;
  /** Rows whose fate is known. */
  counted: number;
  /** Whether a page may have been skipped. */
  lossy: boolean;
  /** Users who carry the audience in Gigya now. */
  carrying: number;
  /** `counts.updated` when it began. */
  updatedBefore: number;
  /** Sweeps before that ended early and had written nothing. */
  fruitless: number;
}

export interface Pause {
  /** In ms. */
  since: number;
  note: string;
}

/** What a run leaves behind. */
export interface Summary {
  /** The job's name. */
  job: string;
  counts: Counts;
  /** How many users failed, by Gigya's errorCode or a word of ours. */
  failures: Failures;
  audience: Plan['audience'];
  /** Accounts in Gigya that carry the audience now; null when they could not be counted. */
  in_gigya: number | null;
  dry_run: boolean;
  sweeps: number;
  seconds: number;
  warnings: string[];
}

const BEGINNING: Cursor = { start: '', before: '' };
const WARNINGS = 20;

export function beginRun(now: number): Run {
  return {
    startedAt: now,
    plan: null,
    counts: noCounts(),
    failures: {},
    sweep: beginSweep(1, 0, 0),
    total: null,
    readBack: { write: false, replacement: false },
    warnings: [],
    duplicates: 0,
    paused: null,
    lastTrouble: null,
  };
}

export function beginSweep(number: number, updatedBefore: number, fruitless: number): Sweep {
  return {
    number,
    cursor: BEGINNING,
    seen: 0,
    fetched: 0,
    counted: 0,
    lossy: false,
    carrying: 0,
    updatedBefore,
    fruitless,
  };
}

export function warn(run: Run, warning: string): void {
  if (!run.warnings.includes(warning) && run.warnings.length < WARNINGS) run.warnings.push(warning);
}

/** Moves the run past a page that was fetched. @returns The number of the page's first member, from 1. */
export function stepPast(run: Run, page: FetchedPage): number {
  const firstMember = run.sweep.fetched + 1;
  run.sweep.fetched += page.count;
  run.sweep.cursor = page.next;
  run.sweep.seen += page.rows;
  run.sweep.lossy ||= page.lossy;
  run.total = page.total ?? run.total;
  run.duplicates += page.duplicates;
  for (const audience of page.unlisted) {
    warn(run, `Users are in "${audience}", which Lytics does not list; it was not exported`);
  }
  return firstMember;
}

/** Counts the users of a page whose fate is known. */
export function countPage(run: Run, page: FetchedPage, written: WrittenPage | null): void {
  const unwritable = Object.values(page.failures).reduce((sum, count) => sum + count, 0);
  addCounts(run.counts, { members: page.count, no_gigya_id: page.no_gigya_id, failed: unwritable });
  addFailures(run.failures, page.failures);
  run.sweep.counted += page.rows;
  if (!written) return;
  const { updated, unchanged, unknown_uid, failed } = written;
  addCounts(run.counts, { updated, unchanged, unknown_uid, failed });
  addFailures(run.failures, written.failures);
  if (written.stopped) {
    // It counts for the users that it got to, and a row stands for one of them, mostly.
    const missing = page.count - page.no_gigya_id - unwritable - updated - unchanged - unknown_uid - failed;
    run.counts.members -= missing;
    run.sweep.counted = Math.max(0, run.sweep.counted - missing);
  }
  run.sweep.carrying += written.carrying;
  run.readBack.write ||= written.readBack.write;
  run.readBack.replacement ||= written.readBack.replacement;
}

/** What became of the users so far, for the check whether nearly all fail in the same way. */
export function fateSoFar({ counts, failures }: Run): { handled: number; failures: Failures } {
  return {
    handled: accountedFor(counts) - counts.no_gigya_id,
    failures: { ...failures, ...(counts.unknown_uid > 0 && { '403005': counts.unknown_uid }) },
  };
}

/** Warns where Gigya's own count differs from what the run knows of. */
export function compareWithGigya(run: Run, inGigya: number): void {
  const { carrying } = run.sweep;
  if (inGigya === carrying) return;
  const reason =
    inGigya > carrying
      ? 'the others have left the audience, or were written by something else'
      : 'members on several pages with one Gigya UID count several times, or something else writes the field';
  const [there, known] = [inGigya, carrying].map((users) => users.toLocaleString('en-US'));
  warn(run, `${there} users in Gigya carry the audience, where this run knows of ${known}: ${reason}`);
}

export function summarize(run: Run, plan: Plan, inGigya: number | null, now: number): Summary {
  if (run.duplicates > 0) {
    warn(
      run,
      `${run.duplicates} members share their Gigya UID with another; they got the union of their audiences`,
    );
  }
  return {
    job: plan.job.name,
    counts: run.counts,
    failures: run.failures,
    audience: plan.audience,
    in_gigya: inGigya,
    dry_run: plan.job.config.dry_run,
    sweeps: run.sweep.number,
    seconds: Math.round((now - run.startedAt) / 1000),
    warnings: [...plan.warnings, ...run.warnings],
  };
}
