import { randomUUID } from 'node:crypto';
import { startWorker } from '../../scripts/program.ts';
import type { activityPerUser as Workflow } from '../activityPerUser/workflow.ts';
import { asComparison, type Pair } from '../comparison.ts';
import { measureExport, readHistories } from '../exporter.ts';
import { watchResources } from '../process.ts';
import { figure } from '../result.ts';
import { jobFor, type Scenario } from '../scenario.ts';
import { onFreshSandbox, settingsOf } from './loops.ts';

/** The exporter beside a workflow that runs one activity for each user. */
export const activityPerUser: Scenario = {
  name: 'activity-per-user',
  about: "speed, CPU and history beside Temporal's sliding window: one activity for each user",
  async run(stage, options) {
    const { temporal } = stage;
    const worker = await stage.worker();
    const pairs: Pair[] = [];
    const costs: { exporter: number[]; other: number[] } = { exporter: [], other: [] };
    for (let run = 0; run <= options.runs; run++) {
      const exporter = await onFreshSandbox(stage, options, async () => {
        const measured = await measureExport(temporal, worker, jobFor('Comparison'));
        costs.exporter.push(measured.history.events);
        return measured;
      });
      const other = await onFreshSandbox(stage, options, async ({ lytics, gigya }) => {
        const taskQueue = `activity-per-user-${randomUUID()}`;
        const other = await startWorker(
          {
            TEMPORAL_ADDRESS: stage.address,
            TASK_QUEUE: taskQueue,
            LYTICS_URL: lytics.base_url,
            LYTICS_TOKEN: lytics.token,
            GIGYA_URL: gigya.base_url,
            GIGYA_CREDENTIALS: JSON.stringify({
              apiKey: gigya.api_key,
              userKey: gigya.user_key,
              secret: gigya.secret_key,
            }),
            CONNECTIONS: String(options.connections),
          },
          'bench/activityPerUser/worker.ts',
        );
        try {
          const taken = await watchResources(other.pid);
          const since = performance.now();
          const workflowId = taskQueue;
          const handle = await temporal.workflow.start<typeof Workflow>('activityPerUser', {
            args: [{ cursor: '', width: options.connections, written: 0 }],
            taskQueue,
            workflowId,
          });
          await handle.result();
          const seconds = (performance.now() - since) / 1_000;
          const resources = await taken();
          costs.other.push((await readHistories(temporal, workflowId, handle.firstExecutionRunId)).length);
          return { seconds, ...resources };
        } finally {
          await other.stop();
        }
      });
      stage.say(
        `${run === 0 ? 'warm-up' : `run ${run}`}: exporter ${figure(exporter.seconds, 1)} s, other ${figure(other.seconds, 1)} s`,
      );
      if (run > 0) pairs.push({ exporter, other });
    }
    const result = asComparison(
      {
        scenario: 'activity-per-user',
        title: 'Beside one activity for each user',
        method: `A workflow that keeps ${options.connections} activities in flight, each writing one user, as in Temporal's sliding-window samples. ${settingsOf(options)}`,
        other: 'an activity for each user',
      },
      options,
      pairs,
    );
    const per1000 = (events: number[]) => ((events.at(-1) ?? Number.NaN) / options.users) * 1_000;
    const [own, others] = [per1000(costs.exporter), per1000(costs.other)];
    return {
      ...result,
      rows: [
        ...result.rows,
        ['events per 1,000 users', figure(own, 1), figure(others, 0), figure(own / others, 3)],
      ],
      figures: { ...result.figures, events_ratio: own / others },
    };
  },
};
