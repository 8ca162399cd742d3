import { type Lane, seenIn } from './lanes.ts';
import type { Scan } from './run.ts';

/** A number that is not known exactly. */
export interface Between {
  least: number;
  most: number;
}

/** Members who carry the audience in Gigya, as the run counted them. */
export function carriersCounted({
  carrying,
  carriedBefore,
}: Pick<Scan, 'carrying' | 'carriedBefore'>): Between {
  const { least, most } = carriedBefore ?? { least: 0, most: 0 };
  return { least: least + carrying, most: most + carrying };
}

/**
 * Carriers in the lanes that a pass has read completely, for the pass that reads the others again; undefined when there
 * are no such lanes. A page holds rows of several lanes and counts its carriers together, so that any number of those in
 * the other lanes may be among them.
 *
 * @param before The pass that has ended.
 * @param lanes The lanes of the next pass.
 */
export function carriersInDone(before: Scan, lanes: readonly Lane[]): Between | undefined {
  const done = lanes.filter(({ isDone }) => isDone);
  if (done.length === 0) return undefined;
  const { least, most } = carriersCounted(before);
  const inOthers = before.fetched - seenIn(done);
  return { least: Math.max(0, least - inOthers), most };
}
