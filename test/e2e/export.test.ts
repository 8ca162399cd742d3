import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { JobConfig } from '../../src/job.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { unique } from '../support/temporal.ts';
import { expectExact } from '../support/verdict.ts';
import { changesDue } from '../support/writes.ts';

const USERS = 400;

let rig: ProgramRig;
beforeAll(async () => {
  rig = await startPrograms({ address: inject('temporalAddress'), sandbox: { users: USERS } });
});
afterAll(() => rig.stop());

// The Data Store first: that no account was touched shows only until one is.
describe.each<JobConfig['target_storage']>(['data_store', 'account'])('an export to %s', (storage) => {
  const name = `Daily ${storage}`;
  let members: number;
  beforeAll(async () => {
    members = (await rig.sandbox.admin.truth()).rows;
  });

  it('by the client program gives every member exactly their audiences', async () => {
    const file = await rig.write(jobDocument(name, { target_storage: storage }));
    const { code, stdout, stderr } = await rig.client('--json', 'run', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const summary: Summary & { state: string; workflow_id: string } = JSON.parse(stdout);
    expect(summary).toMatchObject({
      workflow_id: `gigya-export/daily-${storage.replace('_', '-')}`,
      state: 'completed',
      counts: {
        members,
        left: 0,
        updated: members,
        unchanged: 0,
        excluded: 0,
        no_gigya_id: 0,
        unknown_uid: 0,
        failed: 0,
      },
      in_gigya: members,
      warnings: [],
    });
    const verdict = await rig.sandbox.admin.verify({ storage });
    expect(verdict).toMatchObject({
      expected: members,
      exact: members,
      missing: [],
      different: [],
      ok: true,
    });
  });

  it("by Temporal's own CLI, a second time, writes nothing", async () => {
    await rig.sandbox.admin.clearJournal();
    const workflowId = unique('cli');
    const file = await rig.write(jobDocument(name, { target_storage: storage }));
    const type = ['--type', 'exportAudience', '--task-queue', String(rig.env['TASK_QUEUE'])];
    const started = await rig.cli(
      'workflow',
      'start',
      ...type,
      '--workflow-id',
      workflowId,
      '--input-file',
      file,
    );
    expect(started.code, started.stderr).toBe(0);
    const result = await rig.cli('workflow', 'result', '--workflow-id', workflowId, '--output', 'json');
    const { status, result: summary }: { status: string; result: Summary } = JSON.parse(result.stdout);
    expect(status).toBe('COMPLETED');
    expect(summary.counts).toMatchObject({ members, updated: 0, unchanged: members });
    expect(await rig.sandbox.admin.journal()).toEqual([]);

    const story = await rig.cli('workflow', 'show', '--workflow-id', workflowId, '--output', 'json');
    const { events }: { events: { userMetadata?: { summary: { data: string } } }[] } = JSON.parse(
      story.stdout,
    );
    const summaries = events.flatMap(({ userMetadata }) =>
      userMetadata ? JSON.parse(Buffer.from(userMetadata.summary.data, 'base64').toString()) : [],
    );
    // The first page is small, whatever the rate; each names the members that it stands for.
    expect(summaries).toContain('from member 1');
    expect(summaries).toContain('members 1–100');
    expect(summaries.some((summary) => String(summary).endsWith(`–${members}`))).toBe(true);
  });

  it('after some users changed, writes only those', async () => {
    const { admin } = rig.sandbox;
    await admin.enter(30);
    await admin.change(25);
    await admin.clearJournal();
    const due = await changesDue(admin, { storage });
    expect(due.length).toBeGreaterThanOrEqual(30);
    const file = await rig.write(jobDocument(name, { target_storage: storage }));
    const { code, stdout } = await rig.client('--json', 'run', file);
    expect(code).toBe(0);
    const { counts }: Summary = JSON.parse(stdout);
    expect(counts).toMatchObject({ updated: due.length, unchanged: counts.members - due.length });
    expect((await admin.journal()).map(({ uid }) => uid).sort()).toEqual(due.sort());
    await expectExact(admin, { storage });
  });
});
