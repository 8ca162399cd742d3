import { readFile } from 'node:fs/promises';
import { expect, inject, it } from 'vitest';
import { mutate } from '../support/bundle.ts';
import { jobDocument } from '../support/jobs.ts';
import { startLocalWorker } from '../support/localWorker.ts';
import { provided } from '../support/provided.ts';
import { startRig } from '../support/rig.ts';
import { type ExportHandle, pendingActivities, untilStill } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { expectExact } from '../support/verdict.ts';
import { appliedWrites } from '../support/writes.ts';

/** The workers' versions that have brought a run forward, in their order: one for each different bundle. */
async function versionsOf(handle: ExportHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  const versions = events?.flatMap(
    ({ workflowTaskCompletedEventAttributes: task }) => task?.workerVersion?.buildId ?? [],
  );
  return [...new Set(versions)];
}

it('a run that was started on the old bundle completes on the new one', async () => {
  const { address, workflowBundle } = provided();
  const code = await readFile(inject('workflowBundle'), 'utf8');
  const old = {
    code: mutate(
      code,
      'The run pauses when the pages in flight',
      'The run will pause when the pages in flight',
    ),
  };
  const rig = await startRig({ address, workflowBundle: old, sandbox: { users: 1_400, latencyMs: 5 } });
  try {
    const { admin, authorizationsFile } = rig.sandbox;
    await admin.addFaults({ match: { method: 'scan' }, times: 1, action: { kind: 'latency', ms: 1_000 } });
    const handle = await rig.start(jobDocument('deploy'));
    // While the first page is fetched: there is one more then.
    await until(async () => (await pendingActivities(handle)).some(({ type }) => type === 'fetchMembership'));
    expect(await handle.executeUpdate('pause')).toBe(
      'The run will pause when the pages in flight are written',
    );
    await untilStill(handle, (types) => types.length === 0);
    expect(await versionsOf(handle)).toHaveLength(1);
    await rig.worker.stop();

    const { taskQueue } = rig;
    const worker = await startLocalWorker({ address, taskQueue, workflowBundle, authorizationsFile });
    try {
      await handle.executeUpdate('resume');
      expect((await handle.result()).counts).toMatchObject({ members: 1_400, updated: 1_400 });
      expect(await versionsOf(handle)).toHaveLength(2);
      expect(await appliedWrites(admin)).toHaveLength(1_400);
      await expectExact(admin);
    } finally {
      await worker.stop();
    }
  } finally {
    await rig.stop();
  }
});
