import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../sandbox/random.ts';
import type { JobConfig } from '../../src/job.ts';
import type { ExportHandle } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { appliedWrites } from '../support/writes.ts';
import { assertWhole } from './checks.ts';
import { CONNECTIONS, lanesReadIn, mostInASecond, openStage, repeatedIn, scansOf } from './stage.ts';

export interface KillOptions {
  address: string;
  seed: number;
  storage: JobConfig['target_storage'];
  cursor: 'repeatable' | 'scroll';
  /** How often the worker is killed in this run; fewer when the run is over before. */
  kills: number;
  /** @default SIGKILL */
  signal?: 'SIGKILL' | 'SIGTERM';
  /** @default 5_000 */
  users?: number;
  /** @default src/worker.ts */
  workerFile?: string;
  /** @default without a limit that is ever reached */
  callsPerSecond?: number;
  /** In place of random moments: after so many writes. */
  moments?: number[];
}

export interface KillReport {
  /** What was under way each time, as the server knew it right before. */
  killed: { writes: number; underWay: string[] }[];
  writes: number;
  repeated: number;
  /** One second's worth and those in flight, for each kill. */
  allowed: number;
  perSecond: number;
  scans: number;
  /** The most lanes that one page was read from. */
  lanes: number;
  seconds: number;
}

/**
 * A run whose worker is killed at random moments, each time followed by another. Throws unless Gigya ends as the
 * audience is. How much was written twice is for the caller to judge.
 */
export async function killedRun(options: KillOptions): Promise<KillReport> {
  const { address, seed, storage, cursor, kills, signal = 'SIGKILL', users = 5_000, workerFile } = options;
  const { callsPerSecond } = options;
  const random = createRandom(seed);
  const stage = await openStage({
    address,
    // The index shows no write of the run: what keeps one from being repeated is the checkpoint alone.
    sandbox: {
      ...{ users, seed, cursor, latencyMs: 30, indexLagMs: 600_000 },
      ...(callsPerSecond !== undefined && { limits: [callsPerSecond, callsPerSecond] }),
    },
  });
  const { admin } = stage.sandbox;
  const killed: KillReport['killed'] = [];
  try {
    let worker = await stage.startWorker({}, workerFile);
    const startedAt = Date.now();
    const handle = await stage.start({ target_storage: storage });
    const moments =
      options.moments ??
      Array.from({ length: kills }, () => random.int(users)).sort((one, other) => one - other);
    for (const moment of moments) {
      await stage.untilWritten(moment);
      // Right after a heartbeat, when one that tells too much does harm; or at any moment.
      if (random.next() < 0.5) await nextHeartbeat(handle);
      else if (!options.moments) await sleep(random.int(1_000));
      // Who is killed after the run has ended proves nothing, and is not counted.
      const { status, raw } = await handle.describe();
      if (status.name !== 'RUNNING') break;
      worker.kill(signal);
      await worker.exited;
      if ((await handle.describe()).status.name !== 'RUNNING') break;
      const underWay = (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? '');
      killed.push({ writes: moment, underWay });
      worker = await stage.startWorker({}, workerFile);
    }
    const summary = await handle.result();
    await assertWhole(stage, summary, storage);
    const writes = await appliedWrites(admin);
    assert.equal(new Set(writes.map(({ uid }) => uid)).size, users, 'every member was written');
    const perSecond = mostInASecond(writes);
    return {
      killed,
      writes: writes.length,
      repeated: repeatedIn(writes, await scansOf(handle)),
      // A worker that is asked to end lets its pages come to theirs.
      allowed: signal === 'SIGTERM' ? 0 : killed.length * (perSecond + CONNECTIONS),
      perSecond,
      scans: summary.scans,
      lanes: Math.max(...(await lanesReadIn(handle))),
      seconds: Math.round((Date.now() - startedAt) / 1000),
    };
  } finally {
    await stage.stop();
  }
}

/** Waits for the next heartbeat of a page, or until there is none to come. */
async function nextHeartbeat(handle: ExportHandle): Promise<void> {
  const beats = async () => {
    const { raw } = await handle.describe();
    const times = raw.pendingActivities?.map(
      ({ lastHeartbeatTime: time }) => `${time?.seconds}.${time?.nanos}`,
    );
    return times?.sort().join() ?? '';
  };
  const before = await beats();
  await until(async () => before === '' || (await beats()) !== before, { intervalMs: 2 });
}
