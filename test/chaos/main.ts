/**
 * Breaks runs and reports the result of each: `npm run chaos -- --kills 100 --seed 7`. Exits with 1 when a run did not
 * end as it should.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import pMap from 'p-map';
import { createRandom } from '../../sandbox/random.ts';
import { startDevServer } from '../../scripts/devServer.ts';
import { reasonOf } from '../../src/cli/errors.ts';
import { bundleWorkflows } from '../support/bundle.ts';
import { startRig } from '../support/rig.ts';
import { FAULTS, meet, USERS } from './faults.ts';
import { type KillOptions, type KillReport, killedRun } from './kills.ts';
import { LEAVER_FAULTS, meetLeaving, startLeaverRig } from './leaverFaults.ts';
import { leaversKilled } from './leaverKills.ts';
import { oneOfTwoKilled, servicesKilled, temporalKilled, workerCutOff, workerFrozen } from './outages.ts';

const options = new Command('npm run chaos --')
  .description('Breaks runs in the middle, and checks their results')
  .option(
    '--kills <count>',
    'kill a worker so often, at random moments (default: 20, or 0 with the options below)',
    whole,
  )
  .addOption(new Option('--signal <name>').choices(['SIGKILL', 'SIGTERM']).default('SIGKILL'))
  .option(
    '--outages',
    'kill Temporal, the services, one of two workers; freeze a worker, and cut it off',
    false,
  )
  .option(
    '--faults',
    'every fault of the services, at several rates, also where a run looks for leavers',
    false,
  )
  .option('--only <text>', 'outages and faults whose name contains it', '')
  .option('--seed <number>', 'repeats a series (default: another each time)', whole)
  .option('--parallel <count>', 'runs side by side', whole, 2)
  .parse()
  .opts<{
    kills?: number;
    signal: 'SIGKILL' | 'SIGTERM';
    outages: boolean;
    faults: boolean;
    only: string;
    seed?: number;
    parallel: number;
  }>();
const { signal, parallel, outages, faults, only, seed = Math.floor(Math.random() * 1e6) } = options;
const kills = options.kills ?? (outages || faults ? 0 : 20);

const folder = await mkdtemp(join(tmpdir(), 'gigya-export-chaos-'));
const server = await startDevServer({ log: console.error });
const { address } = server;
let failed = 0;
try {
  if (kills > 0) await killWorkers();
  if (outages) await breakDown();
  if (faults) await meetFaults();
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a whole number');
}

/** Run after run, until so many workers have died in the middle of one. */
async function killWorkers(): Promise<void> {
  console.log(`${kills} kills (${signal}), seed ${seed}`);
  const random = createRandom(seed);
  const reports: KillReport[] = [];
  let planned = 0;
  let number = 0;
  const died = () => reports.reduce((sum, { killed }) => sum + killed.length, 0);
  async function series(): Promise<void> {
    while (planned < kills) {
      const run = {
        seed: random.int(1e9),
        storage: random.pick<KillOptions['storage']>(['account', 'data_store']),
        cursor: random.pick<KillOptions['cursor']>(['repeatable', 'scroll']),
        kills: Math.min(1 + random.int(3), kills - planned),
      };
      planned += run.kills;
      const name = `run ${++number} (${run.storage}, ${run.cursor} cursor, seed ${run.seed})`;
      const report = await attempt(name, () => killedRun({ address, signal, ...run }), judge);
      // What was to die and had ended before is made up for.
      planned -= run.kills - (report?.killed.length ?? run.kills);
      if (report) reports.push(report);
    }
  }
  await Promise.all(Array.from({ length: parallel }, series));

  const total = (pick: (report: KillReport) => number) => reports.reduce((sum, one) => sum + pick(one), 0);
  console.log(
    `${died()} kills in ${reports.length} runs; ${total(({ writes }) => writes)} writes, ${total(({ repeated }) => repeated)} of them repeated ` +
      `(${Math.round(total(({ repeated }) => repeated) / Math.max(1, died()))} a kill, where one second's worth was ` +
      `${Math.round(total(({ perSecond }) => perSecond) / Math.max(1, reports.length))}); ` +
      `${total(({ scans }) => scans - 1)} further scans; ${failed} runs not as they should be`,
  );
}

function judge({ repeated, allowed }: KillReport): string | undefined {
  return repeated > allowed ? `${repeated} writes were repeated, where ${allowed} are allowed` : undefined;
}

async function breakDown(): Promise<void> {
  const own = async (name: string) => mkdtemp(join(folder, name));
  const cases: [name: string, () => Promise<unknown>][] = [
    ['Temporal killed', async () => temporalKilled(await own('temporal-'))],
    ['services killed', async () => servicesKilled(address, await own('services-'))],
    ['one of two workers killed', () => oneOfTwoKilled(address)],
    ['worker frozen', () => workerFrozen(address)],
    ['worker frozen, and given tasks', () => workerFrozen(address, { isNoticed: false })],
    ['worker cut off', () => workerCutOff(address)],
    ['worker without checkpoints killed', killForgetfulWorker],
    [
      'leavers: services killed in the search and the correction',
      () => leaversKilled('services', 'services'),
    ],
    [
      'leavers: Temporal killed in the search and the correction',
      () => leaversKilled('Temporal', 'Temporal'),
    ],
  ];
  await pMap(cases, ([name, outage]) => attempt(name, outage), { concurrency: parallel });
}

async function meetFaults(): Promise<void> {
  const workflowBundle = { code: await bundleWorkflows() };
  const rig = await startRig({ address, workflowBundle, sandbox: { users: USERS }, timeoutMs: 700 });
  for (const fault of FAULTS) await attempt(fault.name, () => meet(rig, fault));
  await rig.stop();
  const leaving = await startLeaverRig({ address, workflowBundle }, true);
  for (const fault of LEAVER_FAULTS) {
    await attempt(`leavers: ${fault.name}`, () => meetLeaving(leaving, fault));
  }
  await leaving.stop();
}

/** Checks the check: a worker that forgets its checkpoints must repeat more writes than is allowed. */
async function killForgetfulWorker(): Promise<void> {
  const { repeated, allowed } = await killedRun({
    address,
    storage: 'account',
    cursor: 'repeatable',
    seed,
    kills: 1,
    // A page has several seconds of work, and some of them are done.
    callsPerSecond: 250,
    moments: [2_900],
    workerFile: 'test/chaos/forgetfulWorker.ts',
  });
  assert.ok(repeated > allowed, `${repeated} writes were repeated, where ${allowed} are allowed`);
}

/** One line about it, whatever comes of it. */
async function attempt<T>(
  name: string,
  work: () => Promise<T>,
  problemWith: (outcome: T) => string | undefined = () => undefined,
): Promise<T | undefined> {
  if (!name.includes(only)) return undefined;
  const since = Date.now();
  const took = () => `${Math.round((Date.now() - since) / 100) / 10} s`;
  try {
    const outcome = await work();
    const problem = problemWith(outcome);
    if (problem) failed++;
    const said = outcome === undefined ? '' : ` ${JSON.stringify(outcome)}`;
    console.log(`${problem ? `✘ ${problem}: ` : '✔ '}${name}, ${took()}${said}`);
    return outcome;
  } catch (error) {
    failed++;
    const { message } = error instanceof WorkflowFailedError ? reasonOf(error) : { message: String(error) };
    console.log(`✘ ${name}, ${took()}: ${message}`);
    return undefined;
  }
}
