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
import { startRows } from '../support/rows.ts';
import {
  connectClient,
  type ExportHandle,
  pendingActivities,
  unique,
  untilStill,
} from '../support/temporal.ts';
import { until } from '../support/until.ts';

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

const startRetry = (name: string) =>
  startRows({ client, taskQueue }, jobDocument(name), 'failures', { workflowId: 'any', runId: 'any' });

describe('a retry', () => {
  it('is refused while a run is open', async () => {
    const name = unique('Retried');
    const run = await start(name, workflowIdOf(name));
    await untilStill(run, isWriting);
    const failure = await failureOf(await startRetry(name));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toContain(`Another run of "${name}" is open`);
    await run.terminate();
  });

  it('that is open makes a scheduled run wait, which then does its work', async () => {
    const name = unique('Retrying');
    const retry = await startRetry(name);
    await untilStill(retry, isWriting);
    const run = await start(name, `${workflowIdOf(name)}-2027-03-28T01:00:00Z`);
    const waiting = await until(async () => {
      const [preflight] = await pendingActivities(run);
      return preflight?.failure ? preflight : undefined;
    });
    expect(waiting).toMatchObject({
      type: 'preflight',
      failure: expect.stringContaining(
        `A retry or an applied plan of "${name}" is open (${workflowIdOf(name)}/rows-failures)`,
      ),
    });
    await retry.terminate();
    await untilStill(run, isWriting);
    await run.terminate();
  });
});

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
