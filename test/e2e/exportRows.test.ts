import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxAdmin } from '../../sandbox/client.ts';
import type { JobDocument } from '../../src/job.ts';
import { EXPORT_WORKFLOW, workflowIdOf } from '../../src/names.ts';
import type { ChangedRow } from '../../src/rows.ts';
import type { exportAudience, exportRows } from '../../src/workflows/index.ts';
import { approveUpdate, progressQuery } from '../../src/workflows/messages.ts';
import { captureOutput, runCommand } from '../support/commandRig.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart } from '../support/leavers.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { type RowsHandle, referenceTo, rowsOf, startRows } from '../support/rows.ts';
import { deleteRun, type ExportHandle } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { textsIn } from '../support/texts.ts';
import { until } from '../support/until.ts';
import { appliedWrites } from '../support/writes.ts';

const USERS = 600;
const WRITE = 'accounts.setAccountInfo';
const GONE = '00000000-0000-4000-8000-000000000000';

let rig: Rig;
let admin: SandboxAdmin;
let release: () => void;
beforeAll(async () => {
  release = captureOutput();
  rig = await startRig({ ...provided(), sandbox: { users: USERS } });
  admin = rig.sandbox.admin;
  await rig.run(jobDocument('Rows'));
});
beforeEach(() => admin.clearJournal());
afterAll(async () => {
  release();
  await rig.stop();
});

/** Runs a command of the client. */
function command(...args: string[]) {
  const { taskQueue } = rig;
  return runCommand(args, { taskQueue }, { TEMPORAL_ADDRESS: provided().address, TASK_QUEUE: taskQueue });
}

/** Starts a run like the client, under the job's id. */
const startRun = (job: JobDocument): Promise<ExportHandle> =>
  rig.client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
    workflowId: workflowIdOf(job.name),
    taskQueue: rig.taskQueue,
    args: [job],
  });

const document = (config: Partial<JobDocument['config']> = {}) => jobDocument('Rows', config);
const members = async () => Object.keys((await admin.truth()).expected).sort();

async function approve(handle: RowsHandle): Promise<number> {
  const { approval } = await until(
    async () => {
      const progress = await handle.query(progressQuery);
      return progress.phase === 'approval' && progress;
    },
    { limitMs: 120_000 },
  );
  const removals = approval?.removals ?? 0;
  await handle.executeUpdate(approveUpdate, { args: [{ removals }] });
  return removals;
}

/** Writes that were applied, by UID. */
async function written(): Promise<Map<string | null, unknown>> {
  return new Map((await appliedWrites(admin)).map(({ uid, data }) => [uid, data]));
}

describe('a retry', () => {
  it('writes exactly the users who failed, with their membership of now', { timeout: 180_000 }, async () => {
    await admin.change(USERS);
    const failing = (await members()).slice(0, 120);
    await admin.addFaults(
      ...failing.map((uid, n) => ({
        match: { method: WRITE, uid },
        action: { kind: 'gigya_error' as const, code: n % 4 === 0 ? 403005 : 400006 },
      })),
    );
    const run = await startRun(document());
    const reference = await referenceTo(run);
    expect((await run.result()).counts).toMatchObject({ failed: 90, unknown_uid: 30 });

    // All of them fail again: that is no reason to stop.
    const inVain = await startRows(rig, document(), 'failures', reference);
    expect((await inVain.result()).counts).toMatchObject({ members: 120, failed: 90, unknown_uid: 30 });
    expect(await rowsOf(rig, await referenceTo(inVain), 'failed')).toHaveLength(120);
    await admin.clearFaults();
    await admin.clearJournal();

    const [, uid = ''] = failing;
    const explained = await command('explain', 'rows', '--uid', uid, '--json');
    const { steps, diagnosis } = JSON.parse(explained.stdout);
    expect(steps).toContainEqual({
      result: 'FAIL',
      what: 'newest run',
      found: expect.stringMatching(/^rejected, code 400006, callId \w+: /),
    });
    expect(diagnosis).toContain('The newest run could not write the user: rejected, code 400006');
    const question = await until(async () => {
      const query = 'WorkflowType = "explainUser" AND ExecutionStatus = "Completed"';
      for await (const { workflowId } of rig.client.workflow.list({ query })) return workflowId;
      return undefined;
    });
    const seen = textsIn(await rig.client.workflow.getHandle(question).fetchHistory());
    expect(seen).toContain('gy_profile_id');
    expect(seen).not.toContain(uid);

    const retried = await command('retry', 'rows', '--json');
    expect({ code: retried.code, ...JSON.parse(retried.stdout) }).toMatchObject({
      code: 0,
      workflow_id: 'gigya-export/rows/rows-failures',
      counts: { members: 120, updated: 120, left: 0, failed: 0, unknown_uid: 0 },
      warnings: [],
    });
    expect([...(await written()).keys()].sort()).toEqual(failing);
    expect((await admin.verify()).ok).toBe(true);

    expect((await command('retry', 'rows')).stderr).toContain('No user failed in the run');
    expect((await command('history', 'rows')).stdout).toContain('failures');

    // By now they hold their records, and some are no members any more.
    await admin.clearJournal();
    const { nowhere, deleted } = await depart(rig.sandbox, { nowhere: 3, deleted: 2 }, failing);
    const again = await startRows(rig, document({ max_removals: 0 }), 'failures', reference);
    expect(await approve(again)).toBe(3);
    expect((await again.result()).counts).toMatchObject({
      members: 117,
      left: 3,
      unchanged: 115,
      updated: 3,
      failed: 2,
    });
    expect([...(await written())].sort()).toEqual(
      nowhere.map((uid) => [uid, { lytics_segments: [] }]).sort(),
    );
    const failed = await rowsOf(rig, await referenceTo(again), 'failed');
    expect(failed.map(({ identifier, errorCode }) => [identifier, errorCode]).sort()).toEqual(
      deleted.map((uid) => [uid, 'not_in_lytics']).sort(),
    );
  });
});

describe('a plan', () => {
  it('is written row by row, except for users who were edited since', { timeout: 180_000 }, async () => {
    await rig.run(document());
    await admin.change(USERS);
    await depart(rig.sandbox, { elsewhere: 12, nowhere: 4 });
    await admin.clearJournal();
    const folder = temporaryFolder();
    const [job, file] = [join(folder, 'job.json'), join(folder, 'plan.jsonl')];
    await writeFile(job, JSON.stringify(document({ max_removals: 0 })));
    expect(await command('preview', job, '--out', file)).toMatchObject({ code: 0 });
    const [header = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const plan: ChangedRow[] = lines.map((line) => JSON.parse(line));
    const removals = plan.filter(({ operation }) => operation === 'remove');
    const others = plan.filter(({ operation }) => operation !== 'remove');
    expect(others.length).toBeGreaterThan(USERS / 2);
    expect(removals).toHaveLength(16);
    expect(await admin.journal()).toEqual([]);

    await writeFile(join(folder, 'edited.jsonl'), [header, ...lines.slice(1), ''].join('\n'));
    expect(await command('apply', join(folder, 'edited.jsonl'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was changed after "preview --out" wrote it'),
    });
    const gone = JSON.stringify({ ...JSON.parse(header), run_id: GONE });
    await writeFile(join(folder, 'gone.jsonl'), [gone, ...lines, ''].join('\n'));
    expect(await command('apply', join(folder, 'gone.jsonl'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Temporal does not have the preview ${GONE}, or no longer`),
    });

    const edited = [...removals.slice(0, 5), ...others.slice(0, USERS / 20 - 5)];
    for (const { uid } of edited) await admin.patchAccount(uid, { data: { lytics_segments: ['edited'] } });
    expect(await command('apply', file, '--no-follow')).toMatchObject({ code: 0, stderr: '' });
    const apply = rig.client.workflow.getHandle<typeof exportRows>('gigya-export/rows/rows-plan');
    await until(async () => (await apply.query(progressQuery)).phase === 'approval', { limitMs: 120_000 });
    for (const refused of [
      ['apply', file],
      ['retry', 'rows'],
      ['run', job],
    ]) {
      expect((await command(...refused)).stderr, refused.join(' ')).toContain('A run of "Rows" is under way');
    }
    const shown = (await command('status', 'rows')).stdout.replace(/\n {2}(?=\S)/g, ' ');
    expect(shown).toMatch(new RegExp(`approve .* --removals ${removals.length}\\n`));
    // Nobody loses the audience before the approval.
    const lost = new Set(removals.map(({ uid }) => uid));
    expect((await appliedWrites(admin)).filter(({ uid }) => uid !== null && lost.has(uid))).toEqual([]);
    expect(await command('approve', 'rows', '--removals', String(removals.length))).toMatchObject({
      code: 0,
    });
    const { counts, dry_run } = await apply.result();
    const updated = plan.length - edited.length;
    expect({ counts, dry_run }).toMatchObject({
      counts: { stale: edited.length, updated, left: 16, failed: 0, unchanged: 0 },
      dry_run: false,
    });

    const stale = edited.map(({ uid }) => uid).sort();
    const due = plan.filter(({ uid }) => !stale.includes(uid)).map(({ uid, after }) => [uid, after]);
    const writes = (await appliedWrites(admin)).map(({ uid, data }) => [uid, data]);
    expect(writes.sort()).toEqual(due.sort());
    const history = textsIn(await apply.fetchHistory());
    expect(history).toContain('rows-plan');
    expect(plan.filter(({ uid }) => history.includes(uid))).toEqual([]);
    const state = await admin.state();
    expect(stale.map((uid) => state[uid]?.account)).toEqual(stale.map(() => ['edited']));
    const failed = JSON.parse((await command('--json', 'failures', 'rows')).stdout);
    const listed = failed.map(({ identifier, status }: Record<string, unknown>) => [identifier, status]);
    expect(listed.sort()).toEqual(stale.map((uid) => [uid, 'stale']));
  });
});

describe('rows are refused', () => {
  it('for another job, another document, a run that is no preview, or one that is gone', async () => {
    const preview = await rig.start(document({ dry_run: true }));
    await preview.result();
    const reference = await referenceTo(preview);
    const run = await rig.start(document());
    await run.result();
    await admin.clearJournal();
    const gone = { ...reference, runId: GONE };
    const refused = async (
      ...args: Parameters<typeof startRows> extends [unknown, ...infer Rest] ? Rest : never
    ) => failureOf(await startRows(rig, ...args));
    expect(await refused(jobDocument('Other rows', { dry_run: true }), 'plan', reference)).toMatchObject({
      type: 'Configuration',
      message: expect.stringContaining('belongs to the job "Rows", not to "Other rows"'),
    });
    expect(
      (await refused(document({ dry_run: true, on_exit: 'keep' }), 'plan', reference)).message,
    ).toContain('was made with another job document');
    expect((await refused(document(), 'plan', await referenceTo(run))).message).toContain('is not a preview');
    expect((await refused(document(), 'failures', gone)).message).toContain('or no longer: the namespace');
    expect(
      (await refused(document(), 'failures', reference, 'gigya-export/rows/elsewhere')).message,
    ).toContain('The workflow id must be gigya-export/rows/rows-failures or gigya-export/rows/rows-plan');
    const unselected = await rig.client.workflow.start('exportRows', {
      workflowId: 'gigya-export/rows/rows-plan',
      taskQueue: rig.taskQueue,
      args: [document()],
    });
    expect(await failureOf(unselected)).toMatchObject({
      type: 'InvalidJob',
      message: expect.stringContaining('The second argument must be {"rows": "failures" or "plan"'),
    });
    expect(await admin.journal()).toEqual([]);
  });
});

describe('runs that Temporal no longer keeps', () => {
  it('are reported in one sentence by every command and by the workflow, and nothing is written', async () => {
    const faded = jobDocument('Faded', { on_exit: 'keep' });
    const folder = temporaryFolder();
    const [job, file] = [join(folder, 'job.json'), join(folder, 'plan.jsonl')];
    await writeFile(job, JSON.stringify(faded));
    await admin.change(USERS);
    const preview = JSON.parse((await command('--json', 'preview', job, '--out', file)).stdout);
    const [uid = ''] = await members();
    await admin.addFaults({ match: { method: WRITE, uid }, action: { kind: 'gigya_error', code: 400006 } });
    const run = await startRun(faded);
    const reference = await referenceTo(run);
    expect((await run.result()).counts.failed).toBe(1);
    await admin.clearFaults();
    const { workflow_id: workflowId, run_id: runId } = preview;
    await Promise.all(
      [reference, { workflowId, runId }].map((gone) => deleteRun(rig.client, gone.workflowId, gone.runId)),
    );
    expect(await command('failures', 'faded')).toMatchObject({
      code: 1,
      stderr: 'There is no job "faded"; "list" shows the jobs\n',
    });
    // The job still has a newer run.
    await (await startRun(faded)).result();
    await admin.clearJournal();

    const noRun = `"Faded" has no run ${reference.runId}; "history" lists the runs as far back as the namespace keeps them\n`;
    const noPreview = `Temporal does not have the preview ${runId}, or no longer: the namespace "default" keeps runs for`;
    for (const [args, stderr] of [
      [['failures', 'faded', '--run', reference.runId], noRun],
      [['retry', 'faded', '--run', reference.runId], noRun],
      [['apply', file], expect.stringContaining(noPreview)],
      [['apply', '--run', runId], expect.stringContaining(noPreview)],
    ] as const) {
      expect(await command(...args), args.join(' ')).toEqual({ code: 1, stdout: '', stderr });
    }
    expect((await command('history', 'faded')).stdout).not.toContain(reference.runId);
    const noHistory = (id: string) =>
      expect.stringMatching(
        new RegExp(`^Temporal does not have the run ${id} of .*, or no longer: the namespace`),
      );
    await expect(rowsOf(rig, reference, 'failed')).rejects.toThrow(
      `Temporal does not have the run ${reference.runId} of ${reference.workflowId}, or no longer: the namespace`,
    );
    expect(await failureOf(await startRows(rig, faded, 'failures', reference))).toEqual({
      type: 'Configuration',
      message: noHistory(reference.runId),
    });
    const planned = { ...faded, config: { ...faded.config, dry_run: true } };
    expect(await failureOf(await startRows(rig, planned, 'plan', { workflowId, runId }))).toEqual({
      type: 'Configuration',
      message: noHistory(runId),
    });
    expect(await admin.journal()).toEqual([]);
  }, 240_000);
});
