import { describe, expect, inject, it } from 'vitest';
import { killedRun } from './kills.ts';

const address = inject('temporalAddress');

describe.concurrent('a run of 5,000 users whose worker is killed at random moments', () => {
  it.each([
    { storage: 'account', cursor: 'repeatable', seed: 11 },
    { storage: 'data_store', cursor: 'scroll', seed: 12 },
  ] as const)('ends exact, with little written twice: $storage, $cursor cursor, seed $seed', async (run) => {
    const { killed, repeated, allowed, lanes } = await killedRun({ address, kills: 2, ...run });
    expect(killed.length).toBeGreaterThan(0);
    expect(lanes).toBeGreaterThan(3);
    expect(repeated).toBeLessThanOrEqual(allowed);
  });

  it('repeats more writes without its checkpoints, so these tests detect the difference', async () => {
    const { killed, repeated, allowed } = await killedRun({
      address,
      storage: 'account',
      cursor: 'repeatable',
      seed: 13,
      kills: 1,
      // A page has several seconds of work, and some of them are done.
      callsPerSecond: 250,
      moments: [2_900],
      workerFile: 'test/chaos/forgetfulWorker.ts',
    });
    expect(killed).toHaveLength(1);
    expect(repeated).toBeGreaterThan(allowed);
  });
}, 480_000);
