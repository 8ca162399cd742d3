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
}, 480_000);
