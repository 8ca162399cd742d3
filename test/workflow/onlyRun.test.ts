import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { assertOnlyRun } from '../../src/activities/onlyRun.ts';
import type { JobDocument } from '../../src/job.ts';
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
/** Holds preflights until it resolves. */
let gate = Promise.resolve();

beforeAll(async () => {
  worker = await startLocalWorker({
    address,
    workflowBundle,
    taskQueue,
    activities: {
      ...mocked.activities,
      async preflight(document) {
        const plan = await mocked.activities.preflight(document);
        await gate;
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
const start = (
  name: string,
  workflowId: string,
  config: Partial<JobDocument['config']> = {},
): Promise<ExportHandle> =>
  client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
    workflowId,
    taskQueue,
    args: [jobDocument(name, config)],
  });

/** The list of workflows lags. */
const untilListed = ({ workflowId }: ExportHandle, name: string) =>
  until(async () => {
    for await (const { memo } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
      if (memo?.['job'] === name) return true;
    }
    return false;
  });

async function resetAfterPreflight(handle: ExportHandle): Promise<void> {
  const { workflowId } = handle;
  const { events } = await handle.fetchHistory();
  const preflight = events?.findIndex((event) => event.activityTaskCompletedEventAttributes) ?? 0;
  const task = events?.slice(preflight).find((event) => event.workflowTaskCompletedEventAttributes);
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    requestId: unique('reset'),
    reason: 'test',
    ...(task?.eventId != null && { workflowTaskFinishEventId: task.eventId }),
  });
}

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

  it('is refused while one is open under an id that does not follow from the name, unless that is a preview', async () => {
    const name = unique('Named');
    const preview = await start(name, unique('preview'), { dry_run: true });
    const first = await start(name, unique('gigya-export/by-hand'));
    for (const run of [preview, first]) await untilListed(run, name);
    const failure = await failureOf(await start(name, workflowIdOf(name)));
    expect(failure.message).toContain(`Another run of "${name}" is open (${first.workflowId})`);
    await first.terminate();
    const second = await start(name, workflowIdOf(name));
    await untilStill(second, isWriting);
    for (const run of [preview, second]) await run.terminate();
  });

  it('is refused while one is open whose chain began earlier, though its last link began later', async () => {
    const name = unique('Chain');
    const first = await start(name, workflowIdOf(name));
    await untilStill(first, isWriting);
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    onTestFinished(() => open());
    const second = await start(name, `${workflowIdOf(name)}-2027-03-28T01:00:00Z`);
    await until(async () => (await pendingActivities(second)).length > 0);
    // The quickest way to a later link.
    await resetAfterPreflight(first);
    await untilStill(first, isWriting);
    open();
    gate = Promise.resolve();
    const failure = await failureOf(second);
    expect(failure.message).toContain(`Another run of "${name}" is open (${first.workflowId})`);
    await client.workflow.getHandle(first.workflowId).terminate();
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

  it('is not affected by runs of other jobs, nor of other workers', async () => {
    const [one, other] = [unique('One'), unique('Other')];
    const elsewhere: ExportHandle = await client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
      workflowId: unique('elsewhere'),
      taskQueue: unique('elsewhere'),
      args: [jobDocument(one)],
      memo: { job: one },
    });
    await untilListed(elsewhere, one);
    const runs = [await start(one, workflowIdOf(one)), await start(other, workflowIdOf(other))];
    for (const run of runs) await untilStill(run, isWriting);
    for (const run of [elsewhere, ...runs]) await run.terminate();
  });
});
