import type { Resources } from './process.ts';
import { figure, median, megabytes, type Result, spread } from './result.ts';
import type { ScenarioOptions } from './scenario.ts';

/** One run of each side, one after the other, so that other load on the machine affects both. */
export interface Pair {
  exporter: { seconds: number } & Resources;
  other: { seconds: number } & Resources;
}

type Texts = Pick<Result, 'scenario' | 'title' | 'method'> & { other: string };

/** The table of a comparison: ratios first, as a machine's own speed is in neither. */
export function asComparison(texts: Texts, { users }: ScenarioOptions, pairs: readonly Pair[]): Result {
  const speeds = pairs.map(({ exporter, other }) => other.seconds / exporter.seconds);
  const cpu = pairs.map(
    ({ exporter, other }) => (exporter.cpuSeconds ?? Number.NaN) / (other.cpuSeconds ?? Number.NaN),
  );
  const { scenario, title, method, other } = texts;
  const perUser = (side: 'exporter' | 'other') =>
    spread(pairs.map((pair) => ((pair[side].cpuSeconds ?? Number.NaN) / users) * 1_000));
  const rate = (side: 'exporter' | 'other') =>
    spread(
      pairs.map((pair) => users / pair[side].seconds),
      0,
    );
  const peak = (side: 'exporter' | 'other') =>
    megabytes(Math.max(...pairs.map((pair) => pair[side].peakMemory ?? Number.NaN)));
  return {
    scenario,
    title,
    method: `${method} ${figure(users)} users, all written; after one run to warm up, ${pairs.length === 1 ? 'one run each' : `the median of ${pairs.length} runs each (least–most)`}.`,
    head: ['', 'exporter', other, 'exporter : other'],
    rows: [
      ['users/s', rate('exporter'), rate('other'), spread(speeds)],
      ['CPU, ms per user', perUser('exporter'), perUser('other'), spread(cpu)],
      ['peak memory', peak('exporter'), peak('other'), ''],
    ],
    aims: [],
    figures: { speed_ratio: median(speeds), cpu_ratio: median(cpu) },
  };
}
