import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Temporal } from '../../src/cli/connect.ts';
import { findJob } from '../../src/cli/jobs.ts';
import { parseJob } from '../../src/job.ts';
import { slugOf, workflowIdOf } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { changedAuthorizations } from '../support/activityRig.ts';
import { client } from '../support/commands.ts';
import { startLocalWorker } from '../support/localWorker.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { provided } from '../support/provided.ts';
import { unique } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { KEYS, noTerminal, openTerminal } from '../support/terminal.ts';

let rig: ProgramRig;
let temporal: Temporal;
beforeAll(async () => {
  rig = await startPrograms({ address: inject('temporalAddress'), sandbox: { users: 30 } });
  temporal = { client: rig.temporal, taskQueue: String(rig.env['TASK_QUEUE']) };
});
afterAll(() => rig?.stop());

const daily = {
  segment_id: 'vip',
  continuous_update: true,
  time_of_day: '14:00',
  timezone: 'Europe/Vienna',
};
const addJob = (name: string, config: object = daily) => rig.sandbox.admin.addJob({ name, config });
const importOf = (...args: string[]) => rig.client('import', ...args);

async function expectNoJob(name: string): Promise<void> {
  await expect(findJob(temporal, name)).rejects.toThrow('There is no job');
}

describe('import of a job', () => {
  it('that is kept updated creates a paused schedule without a run, and reports what differs', async () => {
    const name = unique('Imported daily');
    const { id, auth_ids } = await addJob(name);
    const file = join(temporaryFolder(), 'job.json');
    const { code, stdout, stderr } = await importOf(id, '--gigya', 'gigya', '--out', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      `${name} (${workflowIdOf(name)}): created, and its schedule (daily at 14:00 Europe/Vienna) is paused`,
    );
    expect(text).toContain(`- Job ${id} in Lytics`);
    expect(text).toContain(`- auth_ids: ${JSON.stringify(auth_ids)} in Lytics, ["gigya"] here`);
    expect(text).toContain('- config.time_of_day: "2:00pm" in Lytics, "14:00" here');
    expect(text).toContain('- status: "running" in Lytics, "paused" here');
    expect(text).toContain('- Ignored here: id, account_id, workflow,');
    expect(text).toContain(`resume ${slugOf(name)}`);

    const saved: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { schedule, runs } = await findJob(temporal, name);
    expect(schedule).toMatchObject({ state: { paused: true }, action: { args: [parseJob(saved)] } });
    expect(runs).toEqual([]);

    // It changes nothing that is there.
    expect(await importOf(id, '--gigya', 'gigya')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`There is already a job "${name}"`),
    });
    expect(await importOf(id, '--gigya', 'gigya', '--name', `${name} 2`, '--out', file)).toMatchObject({
      code: 2,
      stderr: `${file} already exists; choose another file\n`,
    });
    await expectNoJob(`${name} 2`);
    await rig.client('delete', name);
  });

  it('that is not kept updated starts nothing: the document is the output', async () => {
    const name = unique('Imported once');
    const { id } = await addJob(name, { segment_id: 'vip' });
    const { code, stdout, stderr } = await importOf(id, '--gigya', 'gigya-rsa');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      name,
      auth_ids: ['gigya-rsa'],
      config: { segment_id: 'vip', continuous_update: false },
    });
    expect(stderr.replace(/\s+/g, ' ')).toContain('nothing was started, since the job is not kept updated');
    await expectNoJob(name);
  });

  it('that has expired creates nothing: the document is the output, and the report names the fix', async () => {
    const name = unique('Imported late');
    const expires_at = '2020-01-31T00:00:00Z';
    const { id } = await rig.sandbox.admin.addJob({ name, config: daily, expires_at });
    const { code, stdout, stderr } = await importOf(id, '--gigya', 'gigya');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name, expires_at, status: 'paused' });
    const text = stderr.replace(/\s+/g, ' ');
    expect(text).toContain(`nothing was created, since the job expired at ${expires_at}`);
    expect(text).toMatch(
      /set expires_at in the document to a later time and create it: \S.* create job.json/,
    );
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([]);
    await expectNoJob(name);
  });

  it('prints one JSON value with --json', async () => {
    const name = unique('Imported JSON');
    const { id } = await addJob(name);
    const { stdout } = await rig.client('--json', 'import', id, '--gigya', 'gigya');
    expect(JSON.parse(stdout)).toMatchObject({
      lytics_id: id,
      job: name,
      workflow_id: workflowIdOf(name),
      outcome: 'created',
      schedule: 'daily at 14:00 Europe/Vienna',
      saved_to: null,
      without_effect: expect.arrayContaining(['id', 'workflow']),
      document: { auth_ids: ['gigya'], status: 'paused' },
    });
    await rig.client('delete', name);
  });

  it('is refused for an unknown job, and without a choice between authorizations', async () => {
    const { id } = await addJob(unique('Imported never'));
    expect(await importOf('0000', '--gigya', 'gigya')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Lytics has no Gigya export job "0000"'),
    });
    expect(await importOf(id)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('choose one with --gigya: "gigya", "gigya-rsa" or "gigya-signature"'),
    });
    expect(await importOf(id, '--gigya', 'lytics')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('The worker has no Gigya authorization "lytics"'),
    });
  });

  it('names the Lytics authorization where the worker has several', async () => {
    const { lytics } = rig.sandbox.authorizations;
    const authorizationsFile = await changedAuthorizations(rig.sandbox, { 'lytics-2': lytics });
    const taskQueue = unique('test');
    const worker = await startLocalWorker({ ...provided(), taskQueue, authorizationsFile });
    const { id } = await addJob(unique('Imported two'), { segment_id: 'vip' });
    const env = { ...rig.env, TASK_QUEUE: taskQueue };
    try {
      const undecided = await client(['import', id, '--gigya', 'gigya'], env);
      expect(undecided.stderr).toContain('choose one with --lytics: "lytics" or "lytics-2"');
      const decided = await client(['import', id, '--gigya', 'gigya', '--lytics', 'lytics-2'], env);
      expect(JSON.parse(decided.stdout)).toMatchObject({ auth_ids: ['gigya', 'lytics-2'] });
    } finally {
      await worker.stop();
    }
  });
});

describe('import without an id', () => {
  it("lists Lytics' jobs in a pipe, and as JSON", async () => {
    const name = unique('Imported listed');
    const { id } = await addJob(name);
    const { stdout } = await importOf();
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toBe('id\tname\tstate\taudience\tkept_updated');
    expect(rows).toContain(`${id}\t${name}\trunning\tvip\tyes`);
    const jobs: unknown = JSON.parse((await rig.client('--json', 'import')).stdout);
    expect(jobs).toContainEqual({ id, name, status: 'running', segment_id: 'vip', continuous_update: true });
  });

  it.skipIf(noTerminal())('lets a user at a terminal select a job and the Gigya authorization', async () => {
    const name = unique('Imported picked');
    const { id } = await addJob(name);
    const person = openTerminal('src/client.ts', ['import'], rig.env);
    await person.sees('? Job in Lytics (type to search)');
    person.types(name);
    await person.sees(`❯ ${name} – audience vip, running`);
    person.types(KEYS.enter);
    await person.answers('Gigya authorization', KEYS.down);
    await person.sees(`${name} (${workflowIdOf(name)}): created`);
    await person.sees(`- Job ${id} in Lytics`);
    expect(await person.exited).toBe(0);
    const { schedule } = await findJob(temporal, name);
    expect(schedule).toMatchObject({
      state: { paused: true },
      action: { args: [{ auth_ids: ['gigya-rsa'] }] },
    });
    await rig.client('delete', name);
  });
});

it('runs every job exactly as Lytics returns it, without the client', async () => {
  const folder = new URL('../fixtures/lyticsJobs/', import.meta.url);
  const { admin, authorizations, authorizationsFile } = rig.sandbox;
  // The file calls Gigya's authorization by its id in Lytics.
  const named = { ...authorizations, d3d9446802a44259755d38e6d163e820: authorizations['gigya'] };
  await writeFile(authorizationsFile, JSON.stringify(named));
  const audience = await admin.addAudience({ slug: 'fixtures', id: '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50' });
  const uids = Object.keys((await admin.truth()).expected).slice(0, 3);
  const rows = (await Promise.all(uids.map((uid) => admin.rows(uid, 'gy_profile_id')))).flat();
  await admin.putRows(
    ...rows.map(({ key, fields, audiences }) => ({ key, fields, audiences: [...audiences, audience.id] })),
  );
  const run = async (file: string) => {
    const text = await readFile(new URL(file, folder), 'utf8');
    // In two hours, so that the run does not wait for their end.
    const document = JSON.parse(text.replace('9:00pm', clockIn('Europe/Vienna', 2)));
    const handle = await rig.temporal.workflow.start<typeof exportAudience>('exportAudience', {
      workflowId: unique(file),
      taskQueue: temporal.taskQueue,
      args: [document],
    });
    const { counts } = await handle.result();
    const members = file === 'created.json' ? 30 : 3;
    expect({ file, ...counts }).toMatchObject({ file, members, failed: 0, no_gigya_id: 0, unknown_uid: 0 });
    expect(counts.updated + counts.unchanged).toBe(members);
  };
  // One after the other: most have the name that Lytics gives them, and a job runs once at a time.
  for (const file of await readdir(folder)) await run(file);
  for (const uid of uids) {
    const { account, objects } = await admin.held(uid);
    expect(account?.data?.['lytics_segments']).toEqual(expect.arrayContaining(['fixtures', 'vip']));
    expect(objects.map(({ data }) => data['lytics_segments'])).toEqual([
      expect.arrayContaining(['fixtures']),
    ]);
  }
});

/** `11:05pm` in some hours. */
function clockIn(timeZone: string, hours: number): string {
  const time = new Date(Date.now() + hours * 3_600_000);
  return time.toLocaleTimeString('en-US', { timeZone, hour: 'numeric', minute: '2-digit' });
}
