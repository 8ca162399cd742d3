import { LANE_EXCESS } from './tuning.ts';

/** Lytics divides the users of an audience by a hash (`splits`). */
const HUNDREDTHS = 100;

/** Where a lane begins. */
export const BEGINNING = { start: '', before: '', blind: 0 };

/** The hundredths of the users for each lane of a scan: disjoint, and together all of them. */
export function hundredthsOf(lanes: number): number[][] {
  const firstOf = (lane: number) => Math.floor((lane * HUNDREDTHS) / lanes);
  return Array.from({ length: lanes }, (_, lane) => {
    const first = firstOf(lane);
    return Array.from({ length: firstOf(lane + 1) - first }, (_hundredth, index) => first + index);
  });
}

/** The most users that may be in a lane: more, and Lytics did not restrict it to its hundredths. */
export function mostInLane(hundredths: readonly number[], audience: number): number {
  return LANE_EXCESS * audience * (hundredths.length / HUNDREDTHS);
}
