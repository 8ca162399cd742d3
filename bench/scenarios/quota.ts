import { between, sampleCalls } from '../calls.ts';
import { measureExport } from '../exporter.ts';
import { figure, type Plot, percent } from '../result.ts';
import { jobFor, QUOTAS, REAL_LATENCY, type Scenario, SETTLED_AFTER } from '../scenario.ts';

const AIM = 0.95;
const MOST_REJECTED = 0.01;
const MOST_ACTIONS = 15_000;
/** Of a short run, the actions at its beginning and end would be most. */
const LEAST_USERS = 24_000;

/** How much of the quota a full export uses, with nothing tuned. */
export const quota: Scenario = {
  name: 'quota',
  about: `share of Gigya's quota that a full export uses at ${REAL_LATENCY} ms`,
  async run(stage, { seconds }) {
    const measured = [];
    const points: Plot['points'] = [];
    for (const [calls, searches] of QUOTAS) {
      const limits = { calls_per_second: calls, searches_per_second: searches };
      const sandbox = await stage.sandbox(
        {
          users: Math.max(LEAST_USERS, calls * (SETTLED_AFTER + seconds)),
          latencyMs: REAL_LATENCY,
          indexLagMs: 0,
          quota: [calls, searches],
        },
        limits,
      );
      const worker = await stage.worker();
      const heartbeatsOf = () =>
        worker.counter('temporal_request', { operation: 'RecordActivityTaskHeartbeat' });
      const before = await heartbeatsOf();
      const running = measureExport(stage.temporal, worker, jobFor(`Quota ${calls}`));
      const samples = await sampleCalls(sandbox, running);
      const run = await running;
      const heartbeats = (await heartbeatsOf()) - before;
      const { updated } = run.summary.counts;
      // Then users who left are searched for.
      const settled = between(samples, SETTLED_AFTER, run.seconds - 2);
      measured.push({
        calls,
        share: settled.callsPerSecond / calls,
        rejected: settled.rejectedShare,
        actions: ((run.actions + heartbeats) / updated) * 1_000_000,
        events: (run.history.events / updated) * 1_000,
        bytes: (run.history.bytes / updated) * 1_000,
      });
      for (const { at, seconds, answered } of samples)
        points.push({ x: at, y: answered / seconds, line: `${calls} calls a second` });
      stage.say(`quota of ${calls}: ${percent(settled.callsPerSecond / calls)}`);
      await worker.stop();
      await sandbox.stop();
    }
    const [smallest] = measured;
    return {
      scenario: 'quota',
      title: "Share of Gigya's quota",
      method:
        `A full export; both services answer after ${REAL_LATENCY} ms and Gigya rejects what exceeds the quota. ` +
        `Rates are measured from second ${SETTLED_AFTER} until the members are written. Nothing is tuned: the limits are the quota. ` +
        'Actions are what Temporal Cloud bills (activities, timers, heartbeats, the start).',
      head: [
        'quota, calls/s',
        'share used',
        'rejected',
        'actions per million users',
        'events per 1,000 users',
        'history per 1,000 users',
      ],
      rows: measured.map(({ calls, share, rejected, actions, events, bytes }) => [
        figure(calls),
        percent(share),
        percent(rejected, 2),
        figure(actions),
        figure(events, 1),
        `${figure(bytes / 1_000, 1)} kB`,
      ]),
      aims: [
        ...measured.map(({ calls, share }) => ({
          what: `share of ${calls} calls a second`,
          aim: `at least ${percent(AIM, 0)}`,
          measured: percent(share),
          isMet: share >= AIM,
        })),
        {
          what: 'calls rejected, at most',
          aim: `under ${percent(MOST_REJECTED, 0)}`,
          measured: percent(Math.max(...measured.map(({ rejected }) => rejected)), 2),
          isMet: measured.every(({ rejected }) => rejected < MOST_REJECTED),
        },
        {
          what: 'Temporal actions per million users at 120 calls a second',
          aim: `at most ${figure(MOST_ACTIONS)}`,
          measured: figure(smallest?.actions),
          isMet: (smallest?.actions ?? Number.POSITIVE_INFINITY) <= MOST_ACTIONS,
        },
      ],
      figures: Object.fromEntries(
        measured.flatMap(({ calls, ...values }) =>
          Object.entries(values).map(([name, value]) => [`${calls}_${name}`, value]),
        ),
      ),
      plot: {
        x: 'seconds',
        y: 'calls a second',
        marks: QUOTAS.map(([calls]) => ({ y: calls, label: `quota ${calls}` })),
        points,
      },
    };
  },
};
