/**
 * Measures speed, memory and cost: `npm run bench`. Comparisons run in turn on fresh sandboxes, so that other load on
 * the machine affects both sides.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Report, writePage } from './page.ts';
import { asTables, type Result } from './result.ts';
import { REAL_LATENCY, type Scenario, type ScenarioOptions } from './scenario.ts';
import { activityPerUser } from './scenarios/activityPerUser.ts';
import { bareLoop, gigyaPackage } from './scenarios/loops.ts';
import { memory } from './scenarios/memory.ts';
import { quota } from './scenarios/quota.ts';
import { recovery } from './scenarios/recovery.ts';
import { sharing } from './scenarios/sharing.ts';
import { steadyDay } from './scenarios/steadyDay.ts';
import { withStage } from './stage.ts';

const SCENARIOS: readonly Scenario[] = [
  quota,
  steadyDay,
  recovery,
  sharing,
  bareLoop,
  gigyaPackage,
  activityPerUser,
  memory,
];
const NAMES = SCENARIOS.map(({ name }) => name);

const options = new Command('bench')
  .description('Measures the exporter against local services')
  .addOption(new Option('--only <scenario...>', 'what to measure (default: everything)').choices(NAMES))
  .option('--users <count>', 'members of the audience in a comparison', whole, 20_000)
  .option('--runs <count>', 'measured runs of each side of a comparison, after one to warm up', whole, 3)
  .option('--connections <count>', 'concurrent calls to Gigya in a comparison, of each side', whole, 20)
  .option('--latency <ms>', 'time until a reply in a comparison', whole, 2)
  .option('--seconds <count>', 'how long a rate is observed', whole, 60)
  .option('--sizes <users,users>', 'sizes of the audience for the memory', wholes, [10_000, 100_000])
  .option('--time-limit <minutes>', 'maximum duration', whole, 90)
  .option('--json [file]', 'print JSON, or write it to a file')
  .option('--write', 'write docs/performance.md and its plots; what is not measured stays in it')
  .addHelpText(
    'after',
    `
What it measures:
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}

Everything takes about half an hour. The latency of quota, steady and recovery
is ${REAL_LATENCY} ms.

Examples:
  npm run bench -- --only loop --users 20000 --runs 1
  npm run bench -- --only quota recovery
  npm run bench -- --only memory --sizes 10000,1000000
  npm run bench -- --write                     (docs/performance.md)`,
  )
  .parse()
  .opts<
    ScenarioOptions & {
      only?: string[];
      timeLimit: number;
      json?: true | string;
      write?: true;
    }
  >();

const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => reject(new Error(`Interrupted by ${signal}`)));
  setTimeout(
    () => reject(new Error(`Not finished after ${options.timeLimit} min; see --time-limit`)),
    options.timeLimit * 60_000,
  ).unref();
});
let exitCode = 0;
try {
  await withStage(say, async (onStage) => {
    const results: Result[] = [];
    const report: Report = {
      machine: { cores: availableParallelism(), node: process.version, platform: process.platform },
      date: new Date().toISOString().slice(0, 10),
      results,
    };
    for (const scenario of SCENARIOS) {
      if (options.only && !options.only.includes(scenario.name)) continue;
      say(`${scenario.name}: ${scenario.about}`);
      const measuring = onStage((stage) => scenario.run(stage, options));
      results.push(await Promise.race([measuring, interrupted]));
      // What was measured is kept when a later scenario is interrupted.
      await save(report);
    }
    print(report);
  });
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  exitCode = 1;
}
process.exit(exitCode);

async function save(report: Report): Promise<void> {
  const { json, write } = options;
  if (typeof json === 'string') await writeFile(json, asJson(report));
  if (write) await writePage(report, NAMES);
}

function print(report: Report): void {
  process.stdout.write(options.json === true ? asJson(report) : `${asTables(report.results)}\n`);
}

function asJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('must be a whole number from 1');
  return Number(text);
}

function wholes(text: string): number[] {
  return text.split(',').map(whole);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
