import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { SettingsPatch } from '../../sandbox/client.ts';
import type { JobConfig } from '../../src/job.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { type ProgramRig, startPrograms } from '../support/program-rig.ts';
import { unique } from '../support/temporal.ts';
import { changesDue, expectExact } from '../support/verdict.ts';

const USERS = 400;

let rig: ProgramRig;
beforeAll(async () => {
  rig = await startPrograms({ address: inject('temporalAddress'), sandbox: { users: USERS } });
});
afterAll(() => rig.stop());

// The Data Store first: that no account was touched shows only until one is.
describe.each<JobConfig['target_storage']>(['data_store', 'account'])('an export to %s', (storage) => {
  const name = `Daily ${storage}`;

  it('by the client program makes every member carry exactly their audiences', async () => {
    const file = await rig.write(jobDocument(name, { target_storage: storage }));
    const { code, stdout, stderr } = await rig.client('--json', 'run', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const summary: Summary & { state: string; workflow_id: string } = JSON.parse(stdout);
    expect(summary).toMatchObject({
      workflow_id: `gigya-export/daily-${storage.replace('_', '-')}`,
      state: 'completed',
      counts: {
        members: USERS,
        left: 0,
        updated: USERS,
        unchanged: 0,
        no_gigya_id: 0,
        unknown_uid: 0,
        failed: 0,
      },
      in_gigya: USERS,
      warnings: [],
    });
    const verdict = await rig.sandbox.admin.verify({ storage });
    expect(verdict).toMatchObject({ expected: USERS, exact: USERS, missing: [], different: [], ok: true });
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
    expect(summary.counts).toMatchObject({ members: USERS, updated: 0, unchanged: USERS });
    expect(await rig.sandbox.admin.journal()).toEqual([]);

    const story = await rig.cli('workflow', 'show', '--workflow-id', workflowId, '--output', 'json');
    const summaries = [...story.stdout.matchAll(/"summary": "([^"]+)"/g)].map(([, text]) => text);
    expect(summaries).toContain('members 1–400');
  });

  it('after some users changed, writes to those alone', async () => {
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

describe('an export is exact', () => {
  const plain: SettingsPatch = {
    lytics: {
      cursor: 'repeatable',
      lastPage: 'no_cursor',
      rowSegments: 'all',
      segmentsAs: 'slug',
      shuffleSegments: false,
      statusAsString: false,
      numbersAsStrings: false,
    },
    gigya: { emptyArrays: 'keep', dataStoreUnknownUid: 'accept' },
  };

  it.each<[string, SettingsPatch, string, Partial<JobConfig>]>([
    ['with an RSA key', {}, 'gigya-rsa', {}],
    ['with signed requests', {}, 'gigya-signature', {}],
    ['with signed requests, to the Data Store', {}, 'gigya-signature', { target_storage: 'data_store' }],
    ['with a scroll cursor', { lytics: { cursor: 'scroll', lastPage: 'empty_page' } }, 'gigya', {}],
    [
      'with a cursor that looks the same, and a last page for ever',
      { lytics: { cursor: 'scroll', lastPage: 'same_page' } },
      'gigya',
      {},
    ],
    ['with rows without segments', { lytics: { rowSegments: 'none', shuffleSegments: true } }, 'gigya', {}],
    [
      'with some rows without segments, to the Data Store',
      { lytics: { rowSegments: 'some' } },
      'gigya',
      { target_storage: 'data_store' },
    ],
    [
      'with numbers and statuses as texts',
      { lytics: { numbersAsStrings: true, statusAsString: true, segmentsAs: 'name' } },
      'gigya',
      {},
    ],
    ['with all audiences by their ids', {}, 'gigya', { audience_format: 'id', audiences: 'all' }],
    ['with audiences by their names', {}, 'gigya-rsa', { audience_format: 'name' }],
  ])('%s', async (name, settings, authorization, config) => {
    const { admin } = rig.sandbox;
    await admin.patchSettings(plain);
    await admin.patchSettings(settings);
    const members = await admin.change(10_000);
    const { target_storage: storage = 'account', audience_format: format, audiences } = config;
    const question = { storage, ...(format && { format }), ...(audiences && { audiences }) };
    const due = (await changesDue(admin, question)).length;
    const file = await rig.write(jobDocument(name, config, authorization));
    const { code, stdout, stderr } = await rig.client('--json', 'run', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const summary: Summary = JSON.parse(stdout);
    expect(summary.counts).toMatchObject({ members, updated: due, unchanged: members - due });
    expect(summary.in_gigya).toBe(members);
    await expectExact(admin, question);
  });

  it('and in a preview nothing is written', async () => {
    const { admin } = rig.sandbox;
    await admin.patchSettings(plain);
    await admin.change(10_000);
    const due = (await changesDue(admin)).length;
    await admin.clearJournal();
    const file = await rig.write(jobDocument('preview', { dry_run: true }));
    const { code, stdout } = await rig.client('run', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`updated +│ +${due} │ would be written to Gigya`));
    expect(stdout).toContain('Previewed in');
    expect(await admin.journal()).toEqual([]);
  });
});
