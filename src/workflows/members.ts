import { ApplicationFailure } from '@temporalio/workflow';
import { systematicFailure } from '../counts.ts';
import { DRIFT, FETCHES_AT_ONCE, FRUITLESS_SCANS } from '../tuning.ts';
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
import { adaptLanes, beginScan, outcomesSoFar, type Run, stepPast, warn } from './run.ts';

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
  try {
    await pump(new MembersSource(step), step);
  } catch (error) {
    if (isSealBroken(error)) return SEAL_BROKEN;
    throw error;
  }
  const { lanes, mixed } = run.scan;
  if (mixed !== null) return { reason: mixed, isInOneLane: true };
  settleLanes(lanes);
  return lanes.some(({ expired }) => expired) ? EXPIRED : shortfall(lanes);
}

/** The members that Lytics' scan returns: while the lanes of one page are read, those of another wait for its cursors. */
class MembersSource implements Source {
  readonly #step: Step;
  readonly #busy = new Set<Lane>();
  /** Rows wanted of the pages that are being fetched. */
  #wanted = 0;
  /** Requests to Lytics that these may send at once. */
  #requests = 0;

  constructor(step: Step) {
    this.#step = step;
  }

  get atOnce(): number {
    return Math.min(FETCHES_AT_ONCE, this.#step.run.scan.lanes.length);
  }

  async next(): Promise<Pumped | null> {
    const { run, plan } = this.#step;
    const { scan, pageSize: size, lanesAtOnce } = run;
    const lanes = this.#freeLanes();
    if (lanes.length === 0) return null;
    // A few requests are not divided, so that they can become fewer.
    const divisor = lanesAtOnce < 2 * FETCHES_AT_ONCE ? 1 : FETCHES_AT_ONCE;
    const atOnce = Math.min(Math.ceil(lanesAtOnce / divisor), lanesAtOnce - this.#requests);
    const summary = `from member ${figure(scan.fetched + this.#wanted + 1)}`;
    const input = { plan, lanes: lanes.flatMap(toRead), size, atOnce, heaviest: scan.heaviest };
    const page = await this.#reading(lanes, input, () =>
      activities.fetchMembership.executeWithOptions({ summary }, [input]),
    );
    scan.mixed ??= page.mixed;
    if (scan.mixed !== null) return null;
    const { fetched } = scan;
    stepPast(run, lanes, page);
    adaptLanes(run, { lanesAtOnce, share: page.atOnce / atOnce });
    const range = `members ${figure(fetched + 1)}–${figure(scan.fetched)}`;
    return { page, rows: page.rows, isSettled: false, summary: range };
  }

  /** None while the others need them, or all requests. */
  #freeLanes(): Lane[] {
    const { scan, pageSize, lanesAtOnce } = this.#step.run;
    if (scan.mixed !== null || this.#requests >= lanesAtOnce) return [];
    const open = scan.lanes.filter(({ cursor }) => cursor !== null);
    const share = Math.ceil(open.length / FETCHES_AT_ONCE);
    return lanesToRead(scan.lanes, pageSize, lanesAtOnce, this.#busy).slice(0, share);
  }

  async #reading<T>(
    lanes: readonly Lane[],
    { size, atOnce }: { size: number; atOnce: number },
    read: () => Promise<T>,
  ): Promise<T> {
    for (const lane of lanes) this.#busy.add(lane);
    this.#wanted += size;
    this.#requests += atOnce;
    try {
      return await read();
    } finally {
      for (const lane of lanes) this.#busy.delete(lane);
      this.#wanted -= size;
      this.#requests -= atOnce;
    }
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
  // A preview counts the same changes in each scan.
  const isFruitless = run.plan?.job.config.dry_run === true || run.counts.updated === updatedBefore;
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
