import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXPORT_WORKFLOW, workflowIdOf } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: 600, limits: [50, 10] } });
});
afterAll(() => rig.stop());

it('refuses a second run of a job, regardless of who started the first', async () => {
  const job = jobDocument(unique('one run'));
  const id = workflowIdOf(job.name);
  const byHand = await rig.client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
    workflowId: id,
    taskQueue: rig.taskQueue,
    args: [job],
  });
  await until(async () => (await rig.sandbox.admin.journal()).length > 0);
  const schedule = await rig.client.schedule.create({
    scheduleId: id,
    spec: {},
    action: {
      type: 'startWorkflow',
      workflowType: EXPORT_WORKFLOW,
      workflowId: id,
      taskQueue: rig.taskQueue,
      args: [job],
    },
  });
  try {
    await schedule.trigger();
    const second = await until(async () => {
      const [action] = (await schedule.describe()).info.recentActions;
      return action?.action.workflow.workflowId;
    });
    const failure = await failureOf(rig.client.workflow.getHandle<typeof exportAudience>(second));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toContain(`Another run of "${job.name}" is open (${id})`);

    expect((await byHand.result()).counts).toMatchObject({ members: 600, updated: 600 });
    const writes = (await rig.sandbox.admin.journal()).map(({ uid }) => uid);
    expect(writes.length).toBe(600);
  } finally {
    await schedule.delete();
  }
});
