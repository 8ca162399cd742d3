import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PastRun } from '../../src/cli/history.ts';
import type { JobStatus } from '../../src/cli/status.ts';
import { client, type Ended } from '../support/commands.ts';
import { jobDocument } from '../support/jobs.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { unique } from '../support/temporal.ts';

const USERS = 1_200;

let rig: ProgramRig;
beforeAll(async () => {
  // A namespace of its own: "list" shows all jobs there.
  rig = await startPrograms({
    address: inject('temporalAddress'),
    namespace: 'client',
    sandbox: { users: USERS, latencyMs: 40 },
  });
  await rig.sandbox.admin.population({ action: 'odd', count: 3, kinds: ['missing', 'several'] });
});
afterAll(() => rig.stop());

/** What a person sees of a failure: one clear text on standard error, no stack. */
function expectRefusal(ended: Ended, code: number, message: string | RegExp): void {
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).not.toMatch(/^\s+at |node:|\.ts:\d/m);
}

describe('a job document', () => {
  it('that is missing, not JSON or not valid ends with exit code 2 and the fix', async () => {
    const refused = await Promise.all([
      rig.client('run', 'nowhere/job.json'),
      rig.client('run', await rig.write('{"name": "VIPs",')),
      rig.client(
        'run',
        await rig.write(
          JSON.stringify({ ...jobDocument('x'), config: { segment_id: 'a b', on_exit: 'drop' } }),
        ),
      ),
    ]);
    expectRefusal(refused[0], 2, 'Cannot read the job document nowhere/job.json (ENOENT); check the path');
    expectRefusal(refused[1], 2, /\.json is not valid JSON \(line 1, column 17\): the text ends early/);
    expectRefusal(refused[2], 2, 'The job document is not valid:\n  config.segment_id: ');
    expect(refused[2].stderr).toContain('config.on_exit: ');
  });
});

describe('a command', () => {
  it('that is unknown or lacks its argument ends with exit code 2', async () => {
    expectRefusal(await rig.client('rnu', 'job.json'), 2, /unknown command 'rnu'/);
    expectRefusal(await rig.client('run'), 2, /missing required argument 'file'/);
  });

  it('for a job that does not exist ends with exit code 1', async () => {
    expectRefusal(await rig.client('status', 'nobody'), 1, 'There is no job "nobody"; "list" shows the jobs');
    expectRefusal(await rig.client('history', 'nobody'), 1, 'There is no job "nobody"');
  });

  it('without a server ends with exit code 3 and says how to start one', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const address = free.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await new Promise((resolve) => free.close(resolve));
    const at = (where: string) => client(['list'], { ...rig.env, TEMPORAL_ADDRESS: where });
    const [refused, unknown] = await Promise.all([at(`127.0.0.1:${port}`), at('nowhere.invalid:7233')]);
    expectRefusal(refused, 3, `No Temporal server answers at 127.0.0.1:${port}: connection refused; start`);
    expect(refused.stderr).toContain('npm run dev-server');
    expectRefusal(unknown, 3, 'at nowhere.invalid:7233: host not found; set TEMPORAL_ADDRESS\n');
  });

  it('in a namespace that does not exist ends with exit code 2 and names the setting', async () => {
    const ended = await client(['list'], { ...rig.env, TEMPORAL_NAMESPACE: 'nowhere' });
    expectRefusal(ended, 2, 'TEMPORAL_NAMESPACE: the namespace "nowhere" does not exist at ');
  });

  it('without a worker ends with exit code 3 and starts nothing', async () => {
    const file = await rig.write(jobDocument('Nobody works'));
    const taskQueue = unique('empty');
    const ended = await client(['run', file], { ...rig.env, TASK_QUEUE: taskQueue });
    expectRefusal(
      ended,
      3,
      `No worker is polling the task queue "${taskQueue}"; start one with "npm run worker"`,
    );
    expectRefusal(await rig.client('status', 'Nobody works'), 1, 'There is no job');
  });
});

describe('a run that is followed', () => {
  it('shows plain lines in a pipe, then the counts, and refuses a second run meanwhile', async () => {
    const file = await rig.write(jobDocument('VIPs to Gigya'));
    const following = rig.client('run', file);
    await rig.temporal.workflow
      .getHandle('gigya-export/vips-to-gigya')
      .describe()
      .catch(() => undefined);
    let second = await rig.client('run', file);
    // Who comes first is not said: one of the two is refused.
    let first = await following;
    if (first.code !== 0) [first, second] = [second, first];
    expectRefusal(
      second,
      1,
      /A run of "VIPs to Gigya" is under way; follow it with ".* follow vips-to-gigya"/,
    );

    expect(first).toMatchObject({ code: 0, stderr: 'Started gigya-export/vips-to-gigya\n' });
    const lines = first.stdout.split('\n');
    expect(lines.filter((line) => /^[\d,]+(\/[\d,]+)? users, /.test(line)).length).toBeGreaterThanOrEqual(1);
    expect(first.stdout).not.toMatch(/[\u001b\r│─]/);
    expect(first.stdout).toMatch(/^ {2}members +1,212 {2}members of the audience$/m);
    expect(first.stdout).toMatch(/^ {2}updated +1,209 {2}written to Gigya$/m);
    expect(first.stdout).toMatch(/^ {2}no_gigya_id +3 {2}without a Gigya ID in Lytics$/m);
    expect(first.stdout).toMatch(/1,209 users in Gigya carry "vip" now\./);
    expect(lines.at(-2)).toMatch(/^Completed in \d+ s\.$/);
  });

  it('that fails ends with exit code 1, the reason, and no stack', async () => {
    const file = await rig.write(jobDocument('To nowhere', { segment_id: 'nowhere' }));
    const text = await rig.client('run', file);
    expect(text.code).toBe(1);
    expect(text.stderr).toMatch(/^The run failed \(Configuration\): Lytics has no audience "nowhere"/m);
    expect(text.stderr).not.toMatch(/^\s+at /m);
    const json = await rig.client('--json', 'run', file);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      workflow_id: 'gigya-export/to-nowhere',
      state: 'failed',
      failure: { type: 'Configuration', message: expect.stringContaining('correct config.segment_id') },
    });
  });
});

describe('past runs', () => {
  it('are shown by status, list and history, as text and as JSON', async () => {
    const [status, list, history, failed] = await Promise.all([
      rig.client('--json', 'status', 'vips to GIGYA'),
      rig.client('--json', 'list'),
      rig.client('--json', 'history', 'vips-to-gigya'),
      rig.client('status', 'To nowhere'),
    ]);
    const job: JobStatus = JSON.parse(status.stdout);
    expect(job).toMatchObject({
      name: 'VIPs to Gigya',
      state: 'completed',
      audience: 'vip',
      next_run: null,
      run: { workflow_id: 'gigya-export/vips-to-gigya', counts: { members: 1_212, updated: 1_209 } },
    });
    const jobs: JobStatus[] = JSON.parse(list.stdout);
    expect(jobs.map(({ name, state }) => [name, state]).sort()).toEqual([
      ['To nowhere', 'failed'],
      ['VIPs to Gigya', 'completed'],
    ]);
    const runs: PastRun[] = JSON.parse(history.stdout);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ state: 'completed', counts: job.run?.counts, reason: null });
    expect(failed.code).toBe(0);
    expect(failed.stdout).toMatch(/^To nowhere: failed\n(.*\n)*! Lytics has no audience "nowhere"/);

    const [listText, historyText] = await Promise.all([
      rig.client('list'),
      rig.client('history', 'To nowhere'),
    ]);
    const row = listText.stdout.split('\n').find((line) => line.startsWith('VIPs to Gigya\t'));
    expect(row?.split('\t').slice(0, 4)).toEqual(['VIPs to Gigya', 'vips-to-gigya', 'completed', 'vip']);
    expect(row?.split('\t').slice(8)).toEqual(['1212', '1209', '0', '0', '']);
    expect(historyText.stdout.match(/^20\d\d-[^\t]+ UTC\t[^\t]+ UTC\t\d+\tfailed\t/gm)).toHaveLength(2);
  });
});
