import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/workflows/messages.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';

describe('a run whose counts do not add up', () => {
  it.each([
    [
      'users were lost',
      (size: number) => ({ updated: size - 1 }),
      '20 users were seen, but 18 are accounted for',
    ],
    [
      'users were counted twice',
      (size: number) => ({ updated: size, failed: 1 }),
      '20 users were seen, but 22',
    ],
  ])('fails with Accounting when %s', async (_, written, message) => {
    const rig = await startMockRig(provided(), { pages: 2, pageSize: 10, written });
    try {
      const handle = await rig.start(jobDocument('invariant'));
      const failure = await failureOf(handle);
      expect(failure.type).toBe('Accounting');
      expect(failure.message).toContain(message);
      const progress = await handle.query<Progress>('progress');
      expect(progress).toMatchObject({ state: 'failed', reason: failure.message });
    } finally {
      await rig.stop();
    }
  });

  it('completes when they add up', async () => {
    const written = () => ({
      updated: 3,
      unchanged: 4,
      unknown_uid: 2,
      failed: 1,
      failures: { '413003': 1 },
    });
    const rig = await startMockRig(provided(), { pages: 2, pageSize: 10, written });
    try {
      const { counts, failures } = await (await rig.start(jobDocument('invariant'))).result();
      expect(counts).toMatchObject({ members: 20, updated: 6, unchanged: 8, unknown_uid: 4, failed: 2 });
      expect(failures).toEqual({ '413003': 2 });
    } finally {
      await rig.stop();
    }
  });
});
