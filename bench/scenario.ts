import type { Result } from './result.ts';
import type { Stage } from './stage.ts';

/** A measurement with a table, and the aims that it is held against. */
export interface Scenario {
  name: string;
  about: string;
  run(stage: Stage, options: ScenarioOptions): Promise<Result>;
}

export interface ScenarioOptions {
  /** Measured runs of each side of a comparison, after one to warm up. */
  runs: number;
  /** Members of the audience in a comparison. */
  users: number;
  /** Concurrent calls to Gigya in a comparison, of either side. */
  connections: number;
  /** Latency in a comparison, in ms. */
  latency: number;
  /** Seconds that a rate is observed. */
  seconds: number;
  /** Sizes of the audience for the memory. */
  sizes: readonly number[];
}

/** The time a real Gigya and a real Lytics take to answer, in ms. */
export const REAL_LATENCY = 150;

/** SAP's contract: calls and searches a second by the number of contacts. */
export const QUOTAS: readonly [calls: number, searches: number][] = [
  [120, 10],
  [280, 20],
  [630, 50],
];

/** A full export first connects and reads the audience; its rate is measured after this time, in seconds. */
export const SETTLED_AFTER = 20;

export const AUDIENCE = 'vip';

export const jobFor = (name: string) => ({
  name,
  auth_ids: ['lytics', 'gigya'],
  config: { segment_id: AUDIENCE },
});
