import type { Client } from '@temporalio/client';
import { between, sampleCalls } from '../calls.ts';
import { measureExport } from '../exporter.ts';
import { figure, percent } from '../result.ts';
import { jobFor, REAL_LATENCY, type Scenario, SETTLED_AFTER } from '../scenario.ts';

const QUOTA = 120;
const SEARCHES = 10;
const WORKERS = 2;
const FIELDS = ['lytics_one', 'lytics_two', 'lytics_three'];
const MOST_OFF = 0.25;
const MOST_REJECTED = 0.01;

/** Several workers and jobs export to one site, and know nothing of each other. */
export const sharing: Scenario = {
  name: 'sharing',
  about: `how ${WORKERS} workers and ${FIELDS.length} jobs share one site's quota`,
  async run(stage, { seconds }) {
    const users = Math.ceil((QUOTA / FIELDS.length) * (SETTLED_AFTER + seconds));
    const sandbox = await stage.sandbox(
      { users, latencyMs: REAL_LATENCY, indexLagMs: 0, quota: [QUOTA, SEARCHES] },
      { calls_per_second: QUOTA, searches_per_second: SEARCHES },
    );
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => stage.worker()));
    const callsOf = () => Promise.all(workers.map((worker) => worker.counter('gigya_calls', { code: '0' })));
    const jobs = FIELDS.map((field) => {
      const { config, ...job } = jobFor(field);
      return { ...job, config: { ...config, gigya_field: field } };
    });
    const [first] = workers;
    if (!first) throw new Error('There is no worker');
    const running = Promise.race(jobs.map((job) => measureExport(stage.temporal, first, job)));
    let atStart: number[] | undefined;
    let from = new Date();
    const samples = await sampleCalls(sandbox, running, async (at) => {
      if (at < SETTLED_AFTER || atStart) return;
      atStart = await callsOf();
      from = new Date();
    });
    await endOtherRuns(stage.temporal);
    const byWorker = (await callsOf()).map((calls, worker) => calls - (atStart?.[worker] ?? 0));
    const written = (await sandbox.admin.journal()).filter(
      ({ at, applied }) => applied && new Date(at) > from,
    );
    const byJob = FIELDS.map(
      (field) => written.filter(({ data }) => typeof data === 'object' && data && field in data).length,
    );
    const settled = between(samples, SETTLED_AFTER, samples.at(-1)?.at ?? 0);
    const off = { workers: farthest(byWorker), jobs: farthest(byJob) };
    return {
      scenario: 'sharing',
      title: 'Workers and jobs that share a quota',
      method: `${WORKERS} workers and ${FIELDS.length} jobs on one site with ${QUOTA} calls a second, at ${REAL_LATENCY} ms; each worker has the whole quota in its settings. Measured from second ${SETTLED_AFTER} until the first job ends.`,
      head: ['', ''],
      rows: [
        ['share of the quota used by all', percent(settled.callsPerSecond / QUOTA)],
        ['rejected', percent(settled.rejectedShare, 2)],
        ['calls by worker', byWorker.map((calls) => figure(calls)).join(' : ')],
        ['writes by job', byJob.map((writes) => figure(writes)).join(' : ')],
      ],
      aims: [
        {
          what: "a worker's distance from its share, at most",
          aim: `within ${percent(MOST_OFF, 0)}`,
          measured: percent(off.workers),
          isMet: off.workers <= MOST_OFF,
        },
        {
          what: "a job's distance from its share, at most",
          aim: `within ${percent(MOST_OFF, 0)}`,
          measured: percent(off.jobs),
          isMet: off.jobs <= MOST_OFF,
        },
        {
          what: 'calls rejected',
          aim: `under ${percent(MOST_REJECTED, 0)}`,
          measured: percent(settled.rejectedShare, 2),
          isMet: settled.rejectedShare < MOST_REJECTED,
        },
      ],
      figures: {
        share: settled.callsPerSecond / QUOTA,
        rejected: settled.rejectedShare,
        workers_off: off.workers,
        jobs_off: off.jobs,
      },
    };
  },
};

/** Workers of the next scenario would go on with them. */
async function endOtherRuns({ workflow }: Client): Promise<void> {
  for await (const { workflowId } of workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    await workflow.getHandle(workflowId).terminate('The first job ended');
  }
}

/** The largest distance from an equal share, as a part of that share. */
function farthest(parts: readonly number[]): number {
  const share = parts.reduce((sum, part) => sum + part, 0) / parts.length;
  return Math.max(...parts.map((part) => Math.abs(part - share) / share));
}
