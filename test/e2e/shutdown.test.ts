import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Program, startWorker } from '../../scripts/program.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { jobDocument } from '../support/jobs.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { expectExact } from '../support/verdict.ts';
import { appliedWrites } from '../support/writes.ts';

const USERS = 2_000;
/** At most, as `limits.connections` is `auto`. */
const CONNECTIONS = 256;

let rig: ProgramRig;
beforeAll(async () => {
  rig = await startPrograms({
    address: inject('temporalAddress'),
    // The index shows no write: what keeps one from being repeated is what the page reported at its end.
    sandbox: { users: USERS, latencyMs: 40, indexLagMs: 600_000 },
  });
  // The pages of one lane are whole hundreds.
  await rig.sandbox.changeAuthorization('lytics', { limits: { lanes: 1 } });
});
afterAll(() => rig.stop());

/** Starts a run, and ends its worker by SIGTERM while pages are being written. */
async function endInTheMiddle(worker: Program) {
  const { admin } = rig.sandbox;
  await admin.change(USERS);
  await admin.clearJournal();
  const handle = await rig.temporal.workflow.start<typeof exportAudience>('exportAudience', {
    workflowId: unique('deploy'),
    taskQueue: String(rig.env['TASK_QUEUE']),
    args: [jobDocument('deploy')],
  });
  await until(async () => (await admin.journal()).length > 100);
  worker.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  return { handle, written: (await appliedWrites(admin)).length };
}

it('SIGTERM lets the pages in flight finish, and a new worker continues after them', async () => {
  const { handle, written } = await endInTheMiddle(rig.worker);
  // Every page that had begun was finished.
  expect(written % 100).toBe(0);
  expect(written).toBeLessThan(USERS);
  expect(rig.worker.output()).toContain('The worker has stopped');

  const next = await startWorker({ ...rig.env, SHUTDOWN_GRACE: '0' });
  try {
    expect((await handle.result()).counts).toMatchObject({ members: USERS, updated: USERS });
    const { events } = await handle.fetchHistory();
    const attempts = events?.map(
      ({ activityTaskStartedEventAttributes }) => activityTaskStartedEventAttributes?.attempt,
    );
    expect(Math.max(...(attempts ?? []).map((attempt) => attempt ?? 0))).toBe(1);
    expect((await appliedWrites(rig.sandbox.admin)).length).toBe(USERS);
    await expectExact(rig.sandbox.admin);

    // Without grace the pages are cut off, and continue after the last user whose write was answered.
    const cut = await endInTheMiddle(next);
    expect(cut.written).toBeLessThan(USERS);
    const last = await startWorker(rig.env);
    try {
      expect((await cut.handle.result()).counts).toMatchObject({ members: USERS });
      expect((await appliedWrites(rig.sandbox.admin)).length).toBeLessThanOrEqual(USERS + CONNECTIONS);
      await expectExact(rig.sandbox.admin);
    } finally {
      await last.stop();
    }
  } finally {
    await next.stop();
  }
});
