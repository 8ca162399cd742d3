import { between, type Sample, sampleCalls } from '../calls.ts';
import { measureExport } from '../exporter.ts';
import { figure, percent } from '../result.ts';
import { jobFor, REAL_LATENCY, type Scenario, SETTLED_AFTER } from '../scenario.ts';

const QUOTA = 280;
const SEARCHES = 20;
const RECOVERED = 0.95;
/** A rate is the mean over so many seconds. */
const MEAN = 3;

/** Gigya allows half of the quota for a while. */
export const recovery: Scenario = {
  name: 'recovery',
  about: 'how fast the rate follows when the quota is halved, and restored',
  async run(stage, { seconds }) {
    const halved = SETTLED_AFTER;
    const restored = halved + seconds / 2;
    const sandbox = await stage.sandbox(
      {
        users: QUOTA * (SETTLED_AFTER + seconds * 1.5),
        latencyMs: REAL_LATENCY,
        indexLagMs: 0,
        quota: [QUOTA, SEARCHES],
      },
      { calls_per_second: QUOTA, searches_per_second: SEARCHES },
    );
    const worker = await stage.worker();
    const running = measureExport(stage.temporal, worker, jobFor('Recovery'));
    const turns = [
      { at: halved, callsPerSecond: QUOTA / 2, happened: 0 },
      { at: restored, callsPerSecond: QUOTA, happened: 0 },
    ];
    const samples = await sampleCalls(sandbox, running, async (at) => {
      for (const turn of turns) {
        if (turn.happened > 0 || at < turn.at) continue;
        await sandbox.admin.patchSettings({ gigya: { callsPerSecond: turn.callsPerSecond } });
        turn.happened = at;
      }
    });
    await running;
    const [down = { happened: 0 }, up = { happened: 0 }] = turns;
    const whileHalved = between(samples, down.happened + 5, up.happened);
    const back = secondsUntil(samples, up.happened, QUOTA * RECOVERED);
    return {
      scenario: 'recovery',
      title: 'The quota is halved, then restored',
      method: `A full export at ${REAL_LATENCY} ms. Gigya allows ${QUOTA} calls a second, then ${QUOTA / 2}, then ${QUOTA} again; the exporter is not told.`,
      head: ['', ''],
      rows: [
        ['share of the half quota used', percent(whileHalved.callsPerSecond / (QUOTA / 2))],
        ['rejected at the half quota', percent(whileHalved.rejectedShare, 2)],
        [
          `back at ${percent(RECOVERED, 0)} of the whole quota after`,
          back === undefined ? 'not in this run' : `${figure(back)} s`,
        ],
      ],
      aims: [],
      figures: {
        share_of_half: whileHalved.callsPerSecond / (QUOTA / 2),
        rejected_at_half: whileHalved.rejectedShare,
        seconds_until_restored: back ?? null,
      },
      plot: {
        x: 'seconds',
        y: 'calls a second',
        marks: [
          { y: QUOTA, label: 'quota' },
          { y: QUOTA / 2, label: 'halved' },
        ],
        points: samples.flatMap(({ at, seconds, answered, rejected }) => [
          { x: at, y: answered / seconds, line: 'answered' },
          { x: at, y: rejected / seconds, line: 'rejected' },
        ]),
      },
    };
  },
};

function secondsUntil(samples: readonly Sample[], from: number, wanted: number): number | undefined {
  const reached = samples.find(
    ({ at }) => at >= from + MEAN && between(samples, at - MEAN - 0.5, at).callsPerSecond >= wanted,
  );
  return reached && reached.at - from;
}
