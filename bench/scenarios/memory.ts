import { measureExport } from '../exporter.ts';
import { figure, megabytes } from '../result.ts';
import { jobFor, type Scenario } from '../scenario.ts';

const MOST_MEMORY = 600e6;

/** The worker's peak memory by the size of the audience. */
export const memory: Scenario = {
  name: 'memory',
  about: "the worker's peak memory by the size of the audience",
  async run(stage, { sizes }) {
    const measured = [];
    for (const users of sizes) {
      const sandbox = await stage.sandbox({ users, indexLagMs: 0 });
      const worker = await stage.worker();
      const full = await measureExport(stage.temporal, worker, jobFor(`Memory ${users}`));
      const again = await measureExport(stage.temporal, worker, jobFor(`Memory ${users}`));
      measured.push({
        users,
        full: full.peakMemory ?? Number.NaN,
        again: again.peakMemory ?? Number.NaN,
        speed: users / full.seconds,
      });
      stage.say(`${figure(users)} users: ${megabytes(full.peakMemory)}`);
      await worker.stop();
      await sandbox.stop();
    }
    const most = Math.max(...measured.flatMap(({ full, again }) => [full, again]));
    return {
      scenario: 'memory',
      title: 'Memory of the worker',
      method:
        'A full export, then a run in which nothing changed, without latency: as many users a second as the machine can do. Peak resident memory of a worker of its own.',
      head: ['users', 'all written', 'nothing changed', 'users/s'],
      rows: measured.map(({ users, full, again, speed }) => [
        figure(users),
        megabytes(full),
        megabytes(again),
        figure(speed),
      ]),
      aims: [
        {
          what: 'peak memory',
          aim: `at most ${megabytes(MOST_MEMORY)}, whatever the size`,
          measured: megabytes(most),
          isMet: most <= MOST_MEMORY,
        },
      ],
      figures: Object.fromEntries(
        measured.flatMap(({ users, full, again }) => [
          [`${users}_bytes`, full],
          [`${users}_bytes_nothing_changed`, again],
        ]),
      ),
      plot: {
        x: 'users',
        y: 'MB',
        isLogX: true,
        marks: [{ y: MOST_MEMORY / 1e6, label: 'aim' }],
        points: measured.flatMap(({ users, full, again }) => [
          { x: users, y: full / 1e6, line: 'all written' },
          { x: users, y: again / 1e6, line: 'nothing changed' },
        ]),
      },
    };
  },
};
