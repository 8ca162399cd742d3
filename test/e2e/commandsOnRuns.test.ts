import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findTemporalCli } from '../../scripts/temporalCli.ts';
import { pastRuns } from '../../src/cli/history.ts';
import type { JobStatus } from '../../src/cli/status.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { workflowIdOf } from '../../src/names.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { captureOutput, runCommand } from '../support/commandRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart } from '../support/leavers.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { type ExportHandle, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** The client's commands, with runs of the real workflow. */
const MEMBERS = 500;

let rig: Rig;
let release: () => void;
beforeEach(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: MEMBERS } });
  release = captureOutput();
});
afterEach(async () => {
  release();
  await rig.stop();
});

const command = (...args: string[]) => {
  const { taskQueue } = rig;
  const env = { TEMPORAL_ADDRESS: provided().address, TEMPORAL_NAMESPACE: 'default', TASK_QUEUE: taskQueue };
  return runCommand(args, { taskQueue }, env);
};

/** Starts a run under the id of its job, as the client does. */
const start = (job: JobDocument): Promise<ExportHandle> =>
  rig.client.workflow.start('exportAudience', {
    workflowId: workflowIdOf(parseJob(job).name),
    taskQueue: rig.taskQueue,
    args: [job],
  });

async function startGuarded(job: JobDocument, leaving: number): Promise<ExportHandle> {
  await (await start(job)).result();
  await depart(rig.sandbox, { elsewhere: leaving });
  await rig.sandbox.admin.clearJournal();
  const handle = await start(job);
  await until(async () => (await handle.query<Progress>('progress')).phase === 'approval');
  return handle;
}

it('a guarded run is approved with the number that status shows', async () => {
  const job = jobDocument(unique('Approved'));
  const handle = await startGuarded(job, 150);
  const stdout = (await command('status', job.name)).stdout.replace(/\n {2}(?=\S)/g, ' ');
  expect(stdout).toContain('150 of the 500 users who carry the audience in Gigya would lose it');
  expect(stdout).toMatch(/approve .* --removals 150\n.*refuse /);
  expect((await command('list')).stdout).toMatch(/\t150 removals of 500 carriers need/);

  expect(await command('approve', job.name, '--removals', '5')).toMatchObject({
    code: 1,
    stderr: '150 removals wait for approval; the number given must be the same\n',
  });
  expect(await rig.sandbox.admin.journal()).toEqual([]);
  expect(await command('approve', job.name, '--removals', '150')).toMatchObject({
    code: 0,
    stdout: 'Approved: the audience is removed from 150 users.\n',
  });
  expect((await handle.result()).counts).toMatchObject({ left: 150, updated: 150 });
});

it('a guarded run is refused', async () => {
  const job = jobDocument(unique('Refused'));
  const handle = await startGuarded(job, 150);
  // As the operations page gives it for the Temporal CLI.
  const cli = await findTemporalCli();
  const update = ['workflow', 'update', 'execute', '--address', provided().address, '--name', 'approve'];
  const other = ['--workflow-id', handle.workflowId, '--input', '{"removals": 149}'];
  await expect(promisify(execFile)(cli, [...update, ...other])).rejects.toMatchObject({
    stderr: expect.stringContaining('150 removals wait for approval; the number given must be the same'),
  });
  expect(await command('refuse', job.name)).toMatchObject({
    code: 0,
    stdout: 'Refused: the run fails, and nobody loses the audience.\n',
  });
  const followed = await command('follow', job.name);
  expect(followed.code).toBe(1);
  expect(followed.stderr).toMatch(/^The run failed \(Guard\): /);
  expect(await rig.sandbox.admin.journal()).toEqual([]);
});

it('a failed run reports exactly the writes in the journal, also without a worker', async () => {
  const job = jobDocument(unique('Revoked'));
  await rig.sandbox.admin.addFaults({
    match: { method: 'accounts.setAccountInfo', after: 250 },
    times: 1,
    action: { kind: 'settings', settings: { gigya: { keyRevoked: true } } },
  });
  const handle = await start(job);
  await expect(handle.result()).rejects.toThrow();
  const written = (await rig.sandbox.admin.journal()).filter(({ applied }) => applied);
  const users = new Set(written.map(({ uid }) => uid)).size;
  expect(users).toBeGreaterThan(100);
  expect(users).toBeLessThan(MEMBERS);

  const { counts } = await handle.query<Progress>('progress');
  expect(counts.updated).toBe(users);
  await rig.worker.stop();
  const temporal = { client: rig.client, taskQueue: rig.taskQueue };
  // What lists runs is a moment behind.
  const past = await until(async () => {
    const [newest] = await pastRuns(temporal, handle.workflowId, { limit: 1, hasWorker: false });
    return newest?.ended ? newest : undefined;
  });
  expect(past).toMatchObject({ state: 'failed', counts });
  const { stdout } = await command('--json', 'status', job.name);
  const status: JobStatus = JSON.parse(stdout);
  expect(status).toMatchObject({ state: 'failed', run: { counts } });
  const followed = await command('--json', 'follow', job.name);
  expect(JSON.parse(followed.stdout)).toMatchObject({ failure: { type: 'Configuration' }, counts });
});
