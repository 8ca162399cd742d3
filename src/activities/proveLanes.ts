import pMap from 'p-map';
import { hundredthsOf } from '../lanes.ts';
import type { Lytics, ScanPage } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { LANES_DRIFT, MOST_LANES, SMALLEST_AUDIENCE_IN_LANES } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { sharesRows } from './readLanes.ts';

/** Lanes that were proven to be disjoint parts of the audience, and all of it. */
export interface ProvenLanes {
  count: number;
  /** Requests to Lytics at once; absent when Lytics did not object to as many as there are lanes. */
  at_once?: number;
  /** Users in the audience, as the scan reports it. */
  total: number;
}

export interface LanesProof {
  /** Absent when scans have one lane. */
  lanes?: ProvenLanes;
  /** How many lanes scans have, and why. */
  found: string;
}

export interface LanesToProve {
  lytics: Lytics;
  audience: string;
  idField: string;
  /** Users in the audience, as far as it is known. */
  size: number | undefined;
}

/**
 * Finds out whether Lytics restricts scans to hundredths of the users (`splits`, which is not documented well): the
 * first pages of all lanes must share no row, and their totals must add up to that of a scan without lanes.
 */
export async function proveLanes(
  { lytics, audience, idField, size }: LanesToProve,
  attempt: Attempt,
): Promise<LanesProof> {
  const count = lytics.lanes;
  if (count === 1) return inOneLane(`limits.lanes of "${lytics.name}" is 1`);
  if (size === undefined) return inOneLane('Lytics reports no total to prove several by');
  if (size < SMALLEST_AUDIENCE_IN_LANES) return inOneLane('the audience is small');
  const failed = new AbortController();
  const signal = AbortSignal.any([attempt.signal, failed.signal]);
  try {
    const scans = [undefined, ...hundredthsOf(count)];
    const [whole, ...pages] = await pMap(
      scans,
      (hundredths) => lytics.scan(audience, '', { ...attempt.reading, signal, hundredths }),
      { concurrency: MOST_LANES },
    );
    if (
      sharesRows(
        pages.map(({ rows }) => rows),
        idField,
      )
    ) {
      return inOneLane('Lytics ignores "splits" (several lanes begin with the same users)');
    }
    return compareTotals(whole, pages);
  } catch (error) {
    // Retries of the others would slow down what follows.
    failed.abort();
    if (!(error instanceof LyticsError)) throw error;
    // It answers one scan at a time: the audience was scanned before.
    if (error.reason === 'no_answer')
      return inOneLane(
        `Lytics did not answer several scans at once (${error.message}); the next run tries again`,
      );
    return inOneLane(`Lytics refuses "splits" (${error.message})`);
  }
}

function compareTotals(whole: ScanPage | undefined, pages: readonly ScanPage[]): LanesProof {
  const total = whole?.total;
  const sum = pages.reduce<number | undefined>(
    (so, page) => (so === undefined || page.total === undefined ? undefined : so + page.total),
    0,
  );
  if (total === undefined || sum === undefined)
    return inOneLane('Lytics reports no total to prove several by');
  if (Math.abs(sum - total) > Math.max(1, total * LANES_DRIFT)) {
    return inOneLane(
      `several would hold ${figure(sum)} users together, but the audience has ${figure(total)}`,
    );
  }
  const count = pages.length;
  const found = `scans run in ${count} lanes, which hold ${figure(sum)} users together`;
  if (![whole, ...pages].some((page) => page?.slowed)) return { lanes: { count, total }, found };
  const atOnce = Math.ceil(count / 2);
  return {
    lanes: { count, total, at_once: atOnce },
    found: `${found}; ${atOnce} at once at first, since Lytics asked to slow down (429)`,
  };
}

const inOneLane = (reason: string): LanesProof => ({ found: `scans run in one lane: ${reason}` });

const figure = (value: number) => value.toLocaleString('en-US');
