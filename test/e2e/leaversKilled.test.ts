import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorker } from '../../scripts/program.ts';
import { EXPORT_WORKFLOW } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { progressQuery } from '../../src/workflows/messages.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart } from '../support/leavers.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { provided } from '../support/provided.ts';
import { type ExportHandle, pendingActivities, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const MEMBERS = 600;
const LEAVING = { elsewhere: 150, nowhere: 30, deleted: 20 };
const GONE = 200;

let rig: ProgramRig;
beforeAll(async () => {
  rig = await startPrograms({ address: provided().address, sandbox: { users: MEMBERS } });
});
afterAll(() => rig.stop());

async function start(name: string, config: Parameters<typeof jobDocument>[1] = {}): Promise<ExportHandle> {
  return rig.temporal.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
    workflowId: unique(name),
    taskQueue: rig.env['TASK_QUEUE'] ?? '',
    args: [jobDocument(name, config)],
  });
}

/** Kills the worker while the run is open, and starts another. */
async function killWorker(handle: ExportHandle): Promise<void> {
  expect((await handle.describe()).status.name).toBe('RUNNING');
  rig.worker.kill('SIGKILL');
  await rig.worker.exited;
  rig.worker = await startWorker(rig.env);
}

const writes = async () => (await rig.sandbox.admin.journal()).filter(({ applied }) => applied).length;
const isPending = async (handle: ExportHandle, type: string) =>
  (await pendingActivities(handle)).some((activity) => activity.type === type);

it('corrects exactly the leavers when the worker is killed in every step and cursors expire', async () => {
  await (await start('killed')).result();
  await depart(rig.sandbox, LEAVING);
  await rig.sandbox.admin.clearJournal();
  await rig.sandbox.changeAuthorization('gigya', {
    limits: { calls_per_second: 60, searches_per_second: 20 },
  });
  await rig.sandbox.admin.addFaults(
    // The search lasts long enough to be killed in, is refused for the rate once, and loses its cursor once.
    { match: { method: 'adhoc_scan' }, action: { kind: 'latency', ms: 3_000 }, times: 6 },
    {
      match: { method: 'accounts.search', after: 12 },
      action: { kind: 'gigya_error', code: 403048 },
      times: 2,
    },
  );
  await rig.sandbox.admin.patchSettings({ gigya: { shortBatches: true } });
  const handle = await start('killed');

  await until(() => isPending(handle, 'fetchLeavers'), { limitMs: 60_000 });
  // Not within its five minutes: the killed attempt's cursor is dead, and the search starts again.
  await rig.sandbox.admin.patchSettings({ gigya: { cursorLifeSeconds: 1 } });
  await killWorker(handle);
  await rig.sandbox.admin.patchSettings({ gigya: { cursorLifeSeconds: 300 } });
  const { approval } = await until(
    async () => {
      const progress = await handle.query(progressQuery).catch(() => undefined);
      return progress?.phase === 'approval' && progress;
    },
    { limitMs: 60_000 },
  );
  expect(approval).toMatchObject({ removals: GONE, carriers: MEMBERS });
  expect(await writes()).toBe(0);
  await killWorker(handle);
  await handle.executeUpdate('approve', { args: [{ removals: GONE }] });
  await until(async () => (await writes()) > 10, { limitMs: 60_000 });
  await killWorker(handle);

  expect((await handle.result()).counts).toMatchObject({ left: GONE, failed: 0 });
  expect(await rig.sandbox.admin.verify()).toMatchObject({ extra: [], missing: [], different: [], ok: true });
}, 240_000);
