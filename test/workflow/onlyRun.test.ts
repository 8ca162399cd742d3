import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertOnlyRun } from '../../src/activities/onlyRun.ts';
import { EXPORT_WORKFLOW, workflowIdOf } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { type LocalWorker, startLocalWorker } from '../support/localWorker.ts';
import { mockExport } from '../support/mockActivities.ts';
import { provided } from '../support/provided.ts';
import { connectClient, type ExportHandle, unique, untilStill } from '../support/temporal.ts';

const { address, workflowBundle } = provided();
const client = connectClient(address);
const taskQueue = unique('only-run');
const mocked = mockExport({ pages: 1, pageSize: 10, isHeld: true });
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startLocalWorker({
    address,
    workflowBundle,
    taskQueue,
    activities: {
      ...mocked.activities,
      async preflight(document) {
        const plan = await mocked.activities.preflight(document);
        await assertOnlyRun(Context.current(), plan.job.name);
        return plan;
      },
    },
  });
});
afterAll(async () => {
  mocked.letAllGo();
  await worker.stop();
  await client.connection.close();
});

/** Starts a run of a job under this workflow id. */
const start = (name: string, workflowId: string): Promise<ExportHandle> =>
  client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
    workflowId,
    taskQueue,
    args: [jobDocument(name)],
  });

const isWriting = (types: string[]) => types.join() === 'updateGigya';

describe('a run of a job', () => {
  it('is refused while an older one is open, and leaves that one unaffected', async () => {
    const name = unique('Twice');
    const first = await start(name, workflowIdOf(name));
    await untilStill(first, isWriting);
    const second = await start(name, `${workflowIdOf(name)}-2027-03-28T01:00:00Z`);
    const failure = await failureOf(second);
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toBe(
      `Another run of "${name}" is open (${workflowIdOf(name)}), and two runs would overwrite each other; wait for it to end, or cancel it`,
    );
    expect((await first.describe()).status.name).toBe('RUNNING');
    await first.terminate();
  });

  it('continues once the other has ended', async () => {
    const name = unique('Again');
    const first = await start(name, workflowIdOf(name));
    await untilStill(first, isWriting);
    await first.terminate();
    const second = await start(name, `${workflowIdOf(name)}-2027-03-28T01:00:00Z`);
    await untilStill(second, isWriting);
    await second.terminate();
  });

  it('is not affected by runs of other jobs', async () => {
    const [one, other] = [unique('One'), unique('Other')];
    const runs = [await start(one, workflowIdOf(one)), await start(other, workflowIdOf(other))];
    for (const run of runs) await untilStill(run, isWriting);
    for (const run of runs) await run.terminate();
  });
});
