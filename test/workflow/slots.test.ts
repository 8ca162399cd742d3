import { expect, it, onTestFinished } from 'vitest';
import type { Plan } from '../../src/activities/preflight.ts';
import { AuthorizationError } from '../../src/authorizations.ts';
import { misconfigured } from '../../src/gigya/errors.ts';
import { jobDocument } from '../support/jobs.ts';
import { startLocalWorker } from '../support/localWorker.ts';
import { provided } from '../support/provided.ts';
import { connectClient, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

it('questions are answered while exports use all their slots, by a worker that has the authorization', async () => {
  const { address, workflowBundle } = provided();
  const taskQueue = unique('slots');
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let started = 0;
  let asked = 0;
  let proven = 0;
  const worker = await startLocalWorker({
    address,
    taskQueue,
    workflowBundle,
    exportSlots: 1,
    activities: {
      async preflight(): Promise<Plan> {
        started++;
        await held;
        throw new Error('over');
      },
      listAuthorizations: async () => [],
      async listAudiences() {
        if (++asked < 3) throw new AuthorizationError('not on this worker');
        return [];
      },
      async proveAuthorization() {
        proven++;
        throw misconfigured('wrong secret');
      },
    },
  });
  const { workflow, connection } = connectClient(address);
  onTestFinished(async () => {
    release();
    await worker.stop();
    await connection.close();
  });
  for (const name of ['one', 'two']) {
    const args = [jobDocument(name)];
    const handle = await workflow.start('exportAudience', { workflowId: unique(name), taskQueue, args });
    onTestFinished(async () => void (await handle.terminate()));
  }
  await until(async () => started > 0);
  const workflowId = unique('question');
  expect(await workflow.execute('listAuthorizations', { workflowId, taskQueue, args: [] })).toEqual([]);
  expect(started).toBe(1);

  // Another worker may have the authorization; any other failure is the answer.
  const ask = (question: string) =>
    workflow.execute(question, { workflowId: unique(question), taskQueue, args: ['lytics'] });
  expect(await ask('listAudiences')).toEqual([]);
  expect(asked).toBe(3);
  await expect(ask('proveAuthorization')).rejects.toThrow();
  expect(proven).toBe(1);
});
