import { ApplicationFailure } from '@temporalio/workflow';
import { systematicFailure } from '../counts.ts';
import { DRIFT, FRUITLESS_SCANS } from '../tuning.ts';
import { activities } from './activities.ts';
import { carriersInDone } from './carriersCounted.ts';
import { isSealBroken } from './failures.ts';
import {
  beginLanes,
  fellShort,
  type Lane,
  lanesAgain,
  lanesToRead,
  seenIn,
  settleLanes,
  totalOf,
} from './lanes.ts';
import { type Pumped, pump, type Source, type Step } from './pump.ts';
import { beginScan, outcomesSoFar, type Run, stepPast, warn } from './run.ts';

/** Why a scan did not read the whole audience. */
interface Obstacle {
  reason: string;
  /** What to do when it recurs; without it the run completes with a warning. */
  fix?: string;
  /** Lytics did not keep the lanes apart. */
  isInOneLane?: boolean;
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
  if (run.scan.lanes.length === 0) beginFirstScan(step);
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

function beginFirstScan({ run, plan: { lanes } }: Step): void {
  run.scan.lanes = beginLanes(lanes?.count ?? 1);
  run.total = lanes?.total ?? null;
  run.lanesAtOnce = lanes?.at_once ?? run.lanesAtOnce;
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
  if (scan.mixed !== null) return { reason: scan.mixed, isInOneLane: true };
  const { lanes } = run.scan;
  settleLanes(lanes);
  return lanes.some(({ expired }) => expired) ? EXPIRED : shortfall(lanes);
}

/** The members that Lytics' scan returns. */
class MembersSource implements Source {
  /** Why the lanes are not disjoint parts of the audience; null while they are. */
  mixed: string | null = null;
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  async next(): Promise<Pumped | null> {
    const { run, plan } = this.#step;
    const { scan, pageSize: size, lanesAtOnce: atOnce } = run;
    const lanes = lanesToRead(scan.lanes, size, atOnce);
    if (lanes.length === 0) return null;
    const { fetched, heaviest } = scan;
    const summary = `from member ${figure(fetched + 1)}`;
    const input = { plan, lanes: lanes.flatMap(toRead), size, atOnce, heaviest };
    const page = await activities.fetchMembership.executeWithOptions({ summary }, [input]);
    this.mixed = page.mixed;
    if (page.mixed !== null) return null;
    stepPast(run, lanes, page);
    const range = `members ${figure(fetched + 1)}–${figure(run.scan.fetched)}`;
    return { page, rows: page.rows, isSettled: false, summary: range };
  }
}

/** What the activity needs of a lane that is open. */
const toRead = ({ hundredths, cursor, seen }: Lane) =>
  cursor === null ? [] : [{ hundredths, cursor, seen }];

/** Undefined when the scan read the whole audience, according to Lytics' totals. */
function shortfall(lanes: readonly Lane[]): Obstacle | undefined {
  if (!lanes.some(fellShort)) return undefined;
  const total = totalOf(lanes);
  const of = total === null ? 'an unknown number of' : figure(total);
  return { reason: `Lytics' scan was interrupted and returned ${figure(seenIn(lanes))} of ${of} users` };
}

/** Warns when a scan without an obstacle returned fewer users than Lytics reported. */
function warnIfShort(run: Run): void {
  const { scan, total } = run;
  const seen = seenIn(scan.lanes);
  if (total === null || total - seen <= total * DRIFT) return;
  warn(run, `Lytics reported ${figure(total)} users but returned ${figure(seen)}`);
}

/**
 * Starts the lanes that are not done again from the beginning: users who are up to date are skipped, so it costs
 * little.
 *
 * @returns false when several scans in a row met an obstacle and wrote nothing new.
 */
function scanAgain(run: Run, { reason, isInOneLane = false }: Obstacle): boolean {
  const { number, updatedBefore, fruitless, lanes: before } = run.scan;
  const isFruitless = run.counts.updated === updatedBefore;
  if (!isInOneLane && isFruitless && fruitless + 1 >= FRUITLESS_SCANS) return false;
  const lanes = isInOneLane ? beginLanes(1) : lanesAgain(before);
  warn(run, `${reason}; ${describe(lanes)}, and the counts include every scan`);
  const carriedBefore = carriersInDone(run.scan, lanes);
  run.scan = beginScan({
    number: number + 1,
    lanes,
    ...(carriedBefore && { carriedBefore }),
    updatedBefore: run.counts.updated,
    fruitless: isFruitless ? fruitless + 1 : 0,
  });
  return true;
}

/** What the next pass reads. */
function describe(lanes: readonly Lane[]): string {
  const again = lanes.filter(({ isDone }) => !isDone).length;
  if (again === lanes.length) return 'the audience was scanned again from the start';
  return `${again} of ${lanes.length} lanes ${again === 1 ? 'was' : 'were'} scanned again from the start`;
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
