import { between, sampleCalls } from '../calls.ts';
import { measureExport } from '../exporter.ts';
import { figure, type Plot, percent } from '../result.ts';
import { jobFor, QUOTAS, REAL_LATENCY, type Scenario } from '../scenario.ts';
import { NO_LIMIT } from '../stage.ts';

const AIM = 0.9;
/** Users a second, by searches a second. */
const LEAST_USERS: Record<number, number> = { 10: 2_000, 50: 4_000 };

/** A run in which no user changed: every user is scanned and looked up, and nobody is written. */
export const steadyDay: Scenario = {
  name: 'steady',
  about: `users a second on a day when nothing changed, at ${REAL_LATENCY} ms`,
  async run(stage, { seconds }) {
    const quotas = QUOTAS.filter(([, searches]) => searches in LEAST_USERS);
    const users = Math.max(...Object.values(LEAST_USERS)) * seconds;
    const sandbox = await stage.sandbox({ users, indexLagMs: 0 });
    const worker = await stage.worker();
    await measureExport(stage.temporal, worker, jobFor('Steady day'));
    stage.say(`${figure(users)} users exported`);
    const measured = [];
    const points: Plot['points'] = [];
    for (const [calls, searches] of quotas) {
      await sandbox.limit({ calls_per_second: calls, searches_per_second: searches });
      await sandbox.admin.patchSettings({
        latencyMs: REAL_LATENCY,
        gigya: { callsPerSecond: calls, searchesPerSecond: searches },
      });
      await sandbox.admin.clearStats();
      const running = measureExport(stage.temporal, worker, jobFor('Steady day'));
      const samples = await sampleCalls(sandbox, running);
      const run = await running;
      const { updated } = run.summary.counts;
      if (updated > 0) throw new Error(`Nothing had changed, but ${updated} users were written`);
      const middle = between(samples, 5, (samples.at(-1)?.at ?? 0) - 5);
      const usersPerSecond = users / run.seconds;
      measured.push({ searches, usersPerSecond, share: middle.searchesPerSecond / searches });
      for (const sample of samples)
        points.push({
          x: sample.at,
          y: sample.searches / sample.seconds,
          line: `${searches} searches a second`,
        });
      stage.say(`${searches} searches a second: ${figure(usersPerSecond)} users a second`);
    }
    await sandbox.limit({ calls_per_second: NO_LIMIT, searches_per_second: NO_LIMIT });
    return {
      scenario: 'steady',
      title: 'A day when nothing changed',
      method: `${figure(users)} users, all up to date; both services answer after ${REAL_LATENCY} ms. Users a second over the whole run, searches a second in its middle.`,
      head: ['quota, searches/s', 'users/s', 'share of the quota used'],
      rows: measured.map(({ searches, usersPerSecond, share }) => [
        figure(searches),
        figure(usersPerSecond),
        percent(share),
      ]),
      aims: measured.map(({ searches, usersPerSecond, share }) => {
        const least = LEAST_USERS[searches] ?? 0;
        return {
          what: `users a second at ${searches} searches a second`,
          aim: `at least ${figure(least)}, or ${percent(AIM, 0)} of the quota`,
          measured: `${figure(usersPerSecond)}, ${percent(share)}`,
          isMet: usersPerSecond >= least || share >= AIM,
        };
      }),
      figures: Object.fromEntries(
        measured.flatMap(({ searches, usersPerSecond, share }) => [
          [`${searches}_users_per_second`, usersPerSecond],
          [`${searches}_share`, share],
        ]),
      ),
      plot: {
        x: 'seconds',
        y: 'searches a second',
        marks: quotas.map(([, searches]) => ({ y: searches, label: `quota ${searches}` })),
        points,
      },
    };
  },
};
