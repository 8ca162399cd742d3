import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asComparison, type Pair } from '../comparison.ts';
import { measureExport } from '../exporter.ts';
import { type Loop, startLoop } from '../loops/start.ts';
import { watchResources } from '../process.ts';
import { figure, type Result } from '../result.ts';
import { AUDIENCE, jobFor, type Scenario, type ScenarioOptions } from '../scenario.ts';
import { type BenchSandbox, NO_LIMIT, type Stage } from '../stage.ts';

const MOST_CPU = 2.5;
const LEAST_SPEED = 0.9;
const GIGYA_PACKAGE = 'gigya@3.0.1';

/** The exporter beside a loop that makes the same calls and does nothing else. */
export const bareLoop: Scenario = {
  name: 'loop',
  about: 'speed and CPU beside a bare loop with undici at the same concurrency',
  async run(stage, options) {
    const pairs = await withLoop(startLoop('bareLoop.ts'), stage, options);
    const result = asComparison(
      {
        scenario: 'loop',
        title: 'Beside a bare loop',
        method: `A loop with undici that makes the same calls: no retries, no rate limit, no checks, no durability. ${settingsOf(options)}`,
        other: 'bare loop',
      },
      options,
      pairs,
    );
    const { speed_ratio: speed, cpu_ratio: cpu } = result.figures;
    const aims = [
      {
        what: "share of the bare loop's speed",
        aim: `at least ${figure(LEAST_SPEED, 1)}`,
        measured: figure(speed ?? undefined, 2),
        isMet: (speed ?? 0) >= LEAST_SPEED,
      },
      {
        what: "CPU, times the bare loop's",
        aim: `at most ${figure(MOST_CPU, 1)}`,
        measured: figure(cpu ?? undefined, 2),
        isMet: (cpu ?? Number.POSITIVE_INFINITY) <= MOST_CPU,
      },
    ];
    return { ...result, aims };
  },
};

/** The exporter beside the loop of somebody who uses the npm package. */
export const gigyaPackage: Scenario = {
  name: 'gigya-package',
  about: `speed and CPU beside the same loop with the npm package ${GIGYA_PACKAGE}`,
  async run(stage, options): Promise<Result> {
    const folder = await mkdtemp(join(tmpdir(), 'gigya-package-'));
    try {
      const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'];
      execFileSync('npm', [...args, GIGYA_PACKAGE], { stdio: ['ignore', 'ignore', 'inherit'] });
      const loop = startLoop('gigyaPackage.ts', { GIGYA_PACKAGE: join(folder, 'index.js') });
      const pairs = await withLoop(loop, stage, options);
      return asComparison(
        {
          scenario: 'gigya-package',
          title: 'Beside the npm package gigya',
          method: `The same loop with ${GIGYA_PACKAGE}, which signs and sends the calls. ${settingsOf(options)}`,
          other: 'loop with gigya',
        },
        options,
        pairs,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function withLoop(loop: Loop, stage: Stage, options: ScenarioOptions): Promise<Pair[]> {
  try {
    // One worker and one loop for all runs: both are warm after the first.
    const worker = await stage.worker();
    const pairs: Pair[] = [];
    for (let run = 0; run <= options.runs; run++) {
      const exporter = await onFreshSandbox(stage, options, async () => {
        const { seconds, cpuSeconds, peakMemory } = await measureExport(
          stage.temporal,
          worker,
          jobFor('Comparison'),
        );
        return { seconds, cpuSeconds, peakMemory };
      });
      const other = await onFreshSandbox(stage, options, async ({ lytics, gigya }) => {
        const taken = await watchResources(loop.pid);
        const { connections } = options;
        const { seconds } = await loop.run({ audience: AUDIENCE, lytics, gigya, connections });
        return { seconds, ...(await taken()) };
      });
      const rate = (seconds: number) => `${figure(options.users / seconds)} users/s`;
      const name = run === 0 ? 'warm-up' : `run ${run} of ${options.runs}`;
      stage.say(`${name}: exporter ${rate(exporter.seconds)}, loop ${rate(other.seconds)}`);
      if (run > 0) pairs.push({ exporter, other });
    }
    return pairs;
  } finally {
    await loop.stop();
  }
}

/** There every account has to be written, once and rightly. */
export async function onFreshSandbox<T>(
  stage: Stage,
  { users, latency, connections }: ScenarioOptions,
  measure: (sandbox: BenchSandbox) => Promise<T>,
): Promise<T> {
  const sandbox = await stage.sandbox(
    { users, latencyMs: latency, indexLagMs: 0 },
    { calls_per_second: NO_LIMIT, searches_per_second: NO_LIMIT, connections },
  );
  const measured = await measure(sandbox);
  const { ok, expected, exact } = await sandbox.admin.verify({ audience: AUDIENCE });
  if (!ok) throw new Error(`${exact} of ${expected} accounts have the right audiences`);
  const { calls } = await sandbox.admin.stats();
  const writes = Object.values(calls['accounts.setAccountInfo'] ?? {}).reduce((sum, n) => sum + n, 0);
  if (writes !== users) throw new Error(`${writes} writes for ${users} users`);
  await sandbox.stop();
  return measured;
}

export const settingsOf = ({ connections, latency }: ScenarioOptions) =>
  `${connections} concurrent calls on both sides, ${latency} ms latency.`;
