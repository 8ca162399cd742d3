import { ApplicationFailure } from '@temporalio/workflow';
import { systematicFailure } from '../counts.ts';
import { DRIFT, FRUITLESS_SCANS } from '../tuning.ts';
import { activities } from './activities.ts';
import { isSealBroken } from './failures.ts';
import { type Pumped, pump, type Source, type Step } from './pump.ts';
import { beginScan, outcomesSoFar, type Run, stepPast, warn } from './run.ts';

/** Why a scan did not read the whole audience. */
interface Obstacle {
  reason: string;
  /** What to do when it recurs; without it the run completes with a warning. */
  fix?: string;
}

const EXPIRED: Obstacle = {
  reason: "Lytics' cursor expired",
  fix: 'pages take longer to write than the cursor lives: raise limits.calls_per_second of the Gigya authorization',
};
const SEAL_BROKEN: Obstacle = {
  reason: 'The Gigya secret changed while pages were in flight',
  fix: 'make sure that all workers use the same secret',
};

/** Exports the members of the audience; repeats the scan when it may have missed some. */
export async function exportMembers(step: Step): Promise<void> {
  const { run } = step;
  if (run.isScanned) return;
  let obstacle: Obstacle | undefined;
  do obstacle = await scanOnce(step);
  while (obstacle && scanAgain(run, obstacle));
  if (obstacle?.fix) {
    const message = `${obstacle.reason} in ${FRUITLESS_SCANS} scans in a row; ${obstacle.fix}`;
    throw ApplicationFailure.nonRetryable(message, 'Configuration');
  }
  if (obstacle) warn(run, `${obstacle.reason}; members may have been missed`);
  else warnIfShort(run);
  assertSomeSucceeded(run);
  run.isScanned = true;
}

async function scanOnce(step: Step): Promise<Obstacle | undefined> {
  const { run } = step;
  step.desk.show('members');
  const scan = new MembersSource(step);
  try {
    await pump(scan, step);
  } catch (error) {
    if (isSealBroken(error)) return SEAL_BROKEN;
    throw error;
  }
  return scan.hasExpired ? EXPIRED : shortfall(run);
}

/** The members that Lytics' scan returns. */
class MembersSource implements Source {
  hasExpired = false;
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  async next(): Promise<Pumped | null> {
    const { run, plan } = this.#step;
    const { cursor, seen, fetched } = run.scan;
    if (cursor === null) return null;
    const summary = `from member ${figure(fetched + 1)}`;
    const input = { plan, cursor, seen, size: run.pageSize };
    const page = await activities.fetchMembership.executeWithOptions({ summary }, [input]);
    if (page.expired) {
      this.hasExpired = true;
      return null;
    }
    stepPast(run, page);
    const range = `members ${figure(fetched + 1)}–${figure(run.scan.fetched)}`;
    return { page, rows: page.rows, isSettled: false, summary: range };
  }
}

/** Undefined when the scan read the whole audience, according to Lytics' total. */
function shortfall({ scan, total }: Run): Obstacle | undefined {
  if (!scan.lossy || (total !== null && scan.seen >= total)) return undefined;
  const of = total === null ? 'an unknown number of' : figure(total);
  return { reason: `Lytics' scan was interrupted and returned ${figure(scan.seen)} of ${of} users` };
}

/** Warns when a scan without an obstacle returned fewer users than Lytics reported. */
function warnIfShort(run: Run): void {
  const { scan, total } = run;
  if (total === null || total - scan.seen <= total * DRIFT) return;
  warn(run, `Lytics reported ${figure(total)} users but returned ${figure(scan.seen)}`);
}

/**
 * Starts the scan again from the beginning: users who are up to date are skipped, so it costs little.
 *
 * @returns false when several scans in a row met an obstacle and wrote nothing new.
 */
function scanAgain(run: Run, { reason }: Obstacle): boolean {
  const { number, updatedBefore, fruitless } = run.scan;
  const isFruitless = run.counts.updated === updatedBefore;
  if (isFruitless && fruitless + 1 >= FRUITLESS_SCANS) return false;
  warn(run, `${reason}; the audience was scanned again from the start, and the counts include every scan`);
  run.scan = beginScan(number + 1, run.counts.updated, isFruitless ? fruitless + 1 : 0);
  return true;
}

/** Fails a run in which no member could be written: a setting is wrong, even if the audience is small. */
function assertSomeSucceeded(run: Run): void {
  const { members, no_gigya_id } = run.counts;
  if (members > 0 && no_gigya_id === members) {
    const field = run.plan?.job.config.gigya_id_field ?? '';
    throw ApplicationFailure.nonRetryable(
      `None of ${figure(members)} members has a Gigya ID in ${field}; correct config.gigya_id_field`,
      'Configuration',
    );
  }
  const systematic = systematicFailure(outcomesSoFar(run), { isEnd: true });
  if (systematic) throw ApplicationFailure.nonRetryable(systematic, 'Configuration');
}

const figure = (value: number) => value.toLocaleString('en-US');
