import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { PastRun } from '../../src/cli/history.ts';
import { findJob } from '../../src/cli/jobs.ts';
import { createJob } from '../../src/cli/startJob.ts';
import type { JobStatus } from '../../src/cli/status.ts';
import { isWorkerPolling } from '../../src/cli/workers.ts';
import { noCounts } from '../../src/counts.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { EXPORT_WORKFLOW, slugOf, workflowIdOf } from '../../src/names.ts';
import {
  type CommandOptions,
  type CommandRig,
  type StubRun,
  startCommandRig,
} from '../support/commandRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { deleteRun, unique } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

/** Never comes while a test runs. */
const NEW_YEAR = '0 0 1 1 *';

/** A job whose only run the server has deleted: that takes it some seconds, so it begins first. */
const FADED = unique('Faded');
let faded: Promise<void>;

let rig: CommandRig;
beforeAll(async () => {
  // A namespace of its own: "list" shows all jobs there.
  rig = await startCommandRig(inject('temporalAddress'), 'commands');
  faded = fade(FADED);
  // The test that needs it reports it.
  faded.catch(() => undefined);
}, 120_000);
afterAll(() => rig?.stop());

const run = (...args: string[]) => rig.command(args);
const at = (options: CommandOptions, ...args: string[]) => rig.command(args, options);

async function json<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await run('--json', ...args);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
const status = (name: string) => json<JobStatus>('status', name);
const history = (name: string) => json<PastRun[]>('history', name);

async function write(document: JobDocument): Promise<string> {
  const file = join(temporaryFolder(), 'job.json');
  await writeFile(file, JSON.stringify(document));
  return file;
}

const daily = (name: string, config: Partial<JobDocument['config']> = {}) =>
  jobDocument(name, { continuous_update: true, time_of_day: '03:30', timezone: 'Europe/Vienna', ...config });

/** A job with a schedule, whose first run is under way. */
async function schedule(document: JobDocument): Promise<StubRun> {
  const { code, stderr } = await run('create', await write(document), '--no-follow');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [first] = (await findJob(rig, document.name)).runs;
  if (!first) throw new Error('The schedule started no run');
  return rig.attach(first.workflowId);
}

async function fade(name: string): Promise<void> {
  const { run: first } = await createJob(rig, parseJob(daily(name)));
  if (!first) throw new Error('The schedule started no run');
  const { workflowId } = first;
  await rig.attach(workflowId).end('complete');
  await deleteRun(rig.client, workflowId);
}

describe('a guarded run', () => {
  const approval = { removals: 250, carriers: 1_000, until: '2027-01-02T03:04:00.000Z' };

  it('shows in status, list and follow what it waits for and how to approve it', async () => {
    const name = unique('Guarded');
    const slug = slugOf(name);
    const guarded = await rig.start(jobDocument(name, { timezone: 'Europe/Vienna' }));
    await guarded.show({ phase: 'approval', approval });
    const { stdout } = await run('status', name);
    expect(stdout).toContain(`${name}: needs approval\n`);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '250 of the 1,000 users who carry the audience in Gigya would lose it. The run fails at 2027-01-02 04:04 Europe/Vienna unless you decide: ' +
        `npm run client -- approve ${slug} --removals 250 npm run client -- refuse ${slug}`,
    );
    const list = await at({ columns: 80 }, 'list');
    expect(list.stdout).toMatch(new RegExp(`^${name} +needs approval`, 'm'));
    expect(list.stdout).toContain('! 250 removals of 1,000 carriers need approval');
    expect((await run('history', name)).stdout).toContain('\tneeds approval\t');

    const following = run('follow', name);
    const refused = await run('approve', name, '--removals', '249');
    expect(refused).toEqual({ code: 1, stdout: '', stderr: 'The run waits with 250 removals\n' });
    const decided = await run('refuse', name);
    expect(decided).toMatchObject({ code: 0, stdout: 'Refused: nothing is removed.\n' });
    expect(await following).toMatchObject({ code: 1 });
    expect((await status(name)).state).toBe('failed');
  });

  it('continues when it is approved with its own number', async () => {
    const name = unique('Approved');
    const guarded = await rig.start(jobDocument(name));
    await guarded.show({ phase: 'approval', approval });
    expect(await run('approve', name, '--removals', '250')).toMatchObject({ code: 0, stdout: 'Approved.\n' });
    expect((await status(name)).run).toMatchObject({ phase: 'leavers', approval: null });
    expect((await run('status', name)).stdout).toContain('0 of 2,000 users, correcting leavers\n');
    await guarded.end('complete');
    expect(await run('approve', name, '--removals', '250')).toMatchObject({
      code: 1,
      stderr: `"${name}" has no run under way: there is nothing to decide\n`,
    });
  });
});

describe('cancel', () => {
  it('ends the active run; cancelled is a separate state', async () => {
    const name = unique('Cancelled');
    const counted = await rig.start(jobDocument(name));
    await counted.show({ counts: { ...noCounts(), members: 7, updated: 7 } });
    const following = run('follow', name);
    expect((await run('cancel', name)).stdout).toContain(`Cancelling ${workflowIdOf(name)}`);
    expect(await following).toMatchObject({ code: 1, stderr: 'The run was cancelled\n' });
    expect(await status(name)).toMatchObject({ state: 'cancelled', run: { counts: { members: 7 } } });
    expect(await history(name)).toMatchObject([
      { state: 'cancelled', counts: { members: 7, updated: 7 }, reason: 'The run was cancelled' },
    ]);
    expect(await run('cancel', name)).toMatchObject({
      code: 1,
      stderr: `"${name}" has no run under way: there is nothing to cancel\n`,
    });
  });
});

describe('a run that is paused', () => {
  it('is pausing until it is paused', async () => {
    const name = unique('Pausing');
    const pausing = await rig.start(jobDocument(name));
    await run('pause', name, '--note', 'a look at it');
    expect(await status(name)).toMatchObject({ state: 'pausing', reason: 'a look at it' });
    await pausing.show({ state: 'paused' });
    expect(await status(name)).toMatchObject({ state: 'paused', reason: 'a look at it' });
    expect(await history(name)).toMatchObject([{ state: 'paused', reason: 'a look at it' }]);
    await pausing.end('complete');
  });

  it('too late still completes', async () => {
    const name = unique('Late');
    const late = await rig.start(jobDocument(name));
    await run('pause', name, '--note', 'too late');
    await late.end('complete');
    expect(await status(name)).toMatchObject({ state: 'completed', reason: null });
    expect((await run('follow', name)).stdout).not.toContain('paused');
  });
});

describe('without a worker', () => {
  it('status and list report it, and exit with 3', async () => {
    const name = unique('Orphan');
    const taskQueue = unique('empty');
    const orphan = await rig.start(jobDocument(name));
    const alone = await at({ taskQueue }, 'status', name);
    expect(alone.code).toBe(3);
    expect(alone.stdout).toContain(`${name}: no worker\n`);
    expect(alone.stdout.replace(/\s+/g, ' ')).toContain(
      `! No worker is polling the task queue "${taskQueue}"`,
    );
    const list = await at({ taskQueue, columns: 80 }, 'list');
    expect(list.code).toBe(3);
    expect(list.stdout).toMatch(new RegExp(`^${name} +no worker +vip +- +- +-`, 'm'));
    expect(list.stdout).toContain(`! No worker is polling the task queue "${taskQueue}"`);
    await orphan.end('complete');
  });

  it('that was killed moments ago, status, list and history report that none answers', async () => {
    const name = unique('Killed');
    const taskQueue = unique('killed');
    const { workflowService, connection, workflow, options } = rig.client;
    const poll = {
      namespace: options.namespace,
      taskQueue: { name: taskQueue },
      // The server lists only pollers that have one.
      identity: 'a worker',
    };
    // Shorter deadlines are rejected.
    await connection
      .withDeadline(Date.now() + 2_500, () => workflowService.pollWorkflowTaskQueue(poll))
      .catch(() => {});
    const workflowId = workflowIdOf(name);
    await workflow.start(EXPORT_WORKFLOW, { workflowId, taskQueue, args: [jobDocument(name)] });
    const alone = await at({ taskQueue }, '--json', 'status', name);
    const list = await until(async () => {
      const { stdout } = await at({ taskQueue, columns: 80 }, 'list');
      return stdout.includes(name) && stdout;
    });
    const past = await until(async () => {
      const { code, stdout } = await at({ taskQueue }, 'history', name);
      return code === 0 && stdout;
    });
    expect(alone.code).toBe(3);
    const reason = expect.stringMatching(/^No worker answers for this run/);
    expect(JSON.parse(alone.stdout)).toMatchObject({ state: 'no_worker', reason, run: { counts: null } });
    expect(list).toMatch(new RegExp(`^${name} +no worker .*\\n.*\\n  ! No worker answers`, 'm'));
    expect(past).toContain('\tno worker\t');
    await workflow.getHandle(workflowId).terminate();
  });

  it.each([100, -100])('is not reported by a client whose clock is %d s off', async (seconds) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
    try {
      expect(await isWorkerPolling(rig)).toBe(true);
      expect(await isWorkerPolling({ ...rig, taskQueue: unique('empty') })).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a schedule that is paused', () => {
  const name = unique('Halted');

  it('with an active run is running, and shows the note', async () => {
    const first = await schedule(daily(name));
    const handle = rig.client.schedule.getHandle(workflowIdOf(name));
    await handle.pause('a freeze');
    expect(await status(name)).toMatchObject({ state: 'running', schedule_paused: { note: 'a freeze' } });
    const { stdout } = await run('status', name);
    expect(stdout).toContain(`${name}: running (schedule paused)\n`);
    expect(stdout).toContain('! Schedule paused: a freeze');
    expect((await at({ columns: 80 }, 'list')).stdout).toContain('! schedule paused: a freeze');
    await first.end('complete');
    expect(await status(name)).toMatchObject({ state: 'paused', reason: 'a freeze' });
  });

  it('is not triggered or run unless that is forced', async () => {
    const refusal = new RegExp(
      `^The schedule of "${name}" is paused \\(a freeze\\); resume it with .* --force`,
    );
    const file = await write(daily(name));
    for (const args of [
      ['trigger', name],
      ['run', file, '--no-follow'],
    ]) {
      const refused = await run(...args);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(refusal) });
    }
    const { code, stdout } = await run('trigger', name, '--force');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Started gigya-export/),
    });
    await rig.attach(stdout.replace('Started ', '').trim()).end('complete');
  });

  it('is reported as paused by create', async () => {
    const same = await run('create', await write(daily(name)));
    expect(same.stdout).toBe(
      `${name}: nothing changed; its schedule is paused (a freeze), and runs daily at 03:30 Europe/Vienna once resumed\n`,
    );
    const changed = await run('create', await write(daily(name, { time_of_day: '04:00' })));
    expect(changed.stdout).toContain('changed; its schedule is paused (a freeze), and runs daily at 04:00');
  });
});

describe('a schedule', () => {
  it('whose document changed since its last run shows what runs next, and what ran last', async () => {
    const name = unique('Moved');
    await (await schedule(daily(name))).end('complete');
    await run('create', await write(daily(name, { segment_id: 'gold', time_of_day: '05:00' })));
    expect(await status(name)).toMatchObject({
      state: 'sleeping',
      audience: 'gold',
      schedule: 'daily at 05:00 Europe/Vienna',
      run: { audience: 'vip' },
    });
    expect((await run('status', name)).stdout).toMatch(/^ {2}audience {2}gold\n(.*\n)* {2}exported {2}vip$/m);
  });

  it('shows the runs that it skipped', async () => {
    const name = unique('Skipping');
    const first = await schedule(daily(name));
    await rig.client.schedule.getHandle(workflowIdOf(name)).trigger('SKIP');
    await until(async () => (await status(name)).skipped.overlap === 1);
    expect((await run('status', name)).stdout).toContain('1 run skipped while another was under way');
    await first.end('complete');
  });

  it('is not turned off by create, which prints how to do it', async () => {
    const name = unique('Keeper');
    await (await schedule(daily(name))).end('complete');
    const refused = await run('create', await write(daily(name, { continuous_update: false })));
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('turns continuous_update off; delete the schedule first: ');
    expect(refused.stderr).toContain(`delete ${slugOf(name)}`);
  });

  it('starts no run while one from the Temporal CLI is active', async () => {
    const name = unique('Beside');
    await (await schedule(daily(name))).end('complete');
    const beside = await rig.start(daily(name));
    const refusal = { code: 1, stderr: expect.stringContaining(`A run of "${name}" is under way`) };
    expect(await run('trigger', name)).toMatchObject(refusal);
    expect(await run('run', await write(daily(name)))).toMatchObject(refusal);
    await run('delete', name);
    expect(await run('create', await write(daily(name)))).toMatchObject(refusal);
    await beside.end('complete');
  });

  it('has the job in its memo, as do its runs', async () => {
    const name = unique('Memo');
    const first = await schedule(daily(name));
    const memo = { job: name, audience: 'vip' };
    expect((await findJob(rig, name)).schedule?.memo).toEqual(memo);
    expect((await rig.client.workflow.getHandle(first.workflowId).describe()).memo).toEqual(memo);
    await first.end('complete');
  });
});

describe('a preview', () => {
  it('is marked in list and history', async () => {
    const name = unique('Preview');
    await (await rig.start(jobDocument(name, { dry_run: true }))).end('complete');
    const [list, past, rows] = [
      await at({ columns: 80 }, 'list'),
      await at({ columns: 80 }, 'history', name),
      await run('history', name),
    ];
    expect(list.stdout).toMatch(new RegExp(`^${name} .*\\n(.*\\n)?  preview: nothing is written$`, 'm'));
    expect(past.stdout).toMatch(/completed.*\n {2}preview: nothing was written$/m);
    expect(rows.stdout).toMatch(/\tcompleted\tpreview\t/);
  });

  it.each([
    [{}, 'A run fires 7 webhooks, one a write; "mute_webhooks": true fires none.'],
    [{ mute_webhooks: true }, 'A run fires no webhooks: they are muted.'],
    [{ target_storage: 'data_store' }, undefined],
  ])('reports the webhooks of its writes: %j', async (config, line) => {
    const name = unique('Webhooks');
    const preview = await rig.start(jobDocument(name, { dry_run: true, ...config }));
    await preview.show({ counts: { ...noCounts(), members: 9, updated: 7, unchanged: 2 } });
    await preview.end('complete');
    const { stdout } = await run('follow', name);
    const [last] = stdout.trimEnd().split('\n').slice(-1);
    expect(last).toBe(line ?? 'Preview completed in 1 s; nothing was written.');
  });
});

describe('a run that failed', () => {
  it('is shown in history with its counts, its end and the whole reason', async () => {
    const name = unique('Failing');
    const reason = `Nothing can be done: ${'a long reason '.repeat(20)}is cut nowhere`;
    const failing = await rig.start(jobDocument(name));
    await failing.show({ counts: { ...noCounts(), members: 3, failed: 3 } });
    await failing.end({ failure: reason });
    expect(await history(name)).toMatchObject([
      { state: 'failed', counts: { members: 3, failed: 3 }, reason, seconds: expect.any(Number) },
    ]);
    const { stdout } = await at({ columns: 60 }, 'history', name);
    expect(stdout.replace(/\s+/g, ' ')).toContain(`! ${reason}`);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(60);
  });

  it('for some records only is completed, and exits with 4', async () => {
    const name = unique('Some');
    const some = await rig.start(jobDocument(name));
    await some.show({ counts: { ...noCounts(), members: 3, updated: 2, failed: 1 } });
    await some.end('complete');
    const { code, stdout } = await run('follow', name);
    expect(code).toBe(4);
    expect(stdout).toContain('1 record failed with 400009');
  });
});

describe('a cron', () => {
  it('sleeps with its expression, and pause does not start its run', async () => {
    const name = unique('Cron');
    await rig.start(jobDocument(name), { cron: NEW_YEAR });
    expect(await status(name)).toMatchObject({ state: 'sleeping', schedule: NEW_YEAR, run: null });
    expect(await run('pause', name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`is run by the cron "${NEW_YEAR}"`),
    });
    expect(await run('follow', name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has not run'),
    });
    expect(await run('run', await write(jobDocument(name)))).toMatchObject({ code: 1 });
    // A signal does not start it, either.
    await rig.client.workflow.getHandle(workflowIdOf(name)).signal('trouble', null);
    expect(await status(name)).toMatchObject({ state: 'sleeping', run: null });
    const { historyLength } = await rig.client.workflow.getHandle(workflowIdOf(name)).describe();
    expect(historyLength).toBe(2);

    expect((await run('cancel', name)).stdout).toContain(`Ended the cron "${NEW_YEAR}"`);
    const ended = { state: 'cancelled', schedule: null, reason: 'The cron was ended between two runs' };
    expect(await status(name)).toMatchObject({ ...ended, run: null });
    expect(await run('history', name)).toMatchObject({ code: 1 });
  });

  it('between two runs shows and reports the one that has ended', async () => {
    const name = unique('Cron');
    const cron = await rig.start(jobDocument(name), { cron: NEW_YEAR });
    await cron.wake();
    await cron.show({ counts: { ...noCounts(), members: 5, updated: 5 } });
    await cron.end('complete');
    expect(await status(name)).toMatchObject({
      state: 'sleeping',
      schedule: NEW_YEAR,
      run: { counts: { members: 5 } },
    });
    expect(await run('follow', name)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/members +5 .*\n(.*\n)*Completed in/),
    });
    expect(await history(name)).toMatchObject([{ state: 'completed', counts: { members: 5 } }]);
    await run('cancel', name);
    expect(await status(name)).toMatchObject({ state: 'cancelled', run: { counts: { members: 5 } } });
  });

  it('that was cancelled while it ran is cancelled, not asleep', async () => {
    const name = unique('Cron');
    const cron = await rig.start(jobDocument(name), { cron: NEW_YEAR });
    await cron.wake();
    expect((await run('cancel', name)).stdout).toContain('and with it the cron');
    await until(async () => (await status(name)).state === 'cancelled');
  });
});

describe('a run that continued as new', () => {
  it('has the start time of its chain', async () => {
    const name = unique('Chain');
    const chain = await rig.start(jobDocument(name));
    const { startTime } = await rig.client.workflow.getHandle(chain.workflowId).describe();
    await chain.end('continueAsNew');
    await chain.end('continueAsNew');
    const [newest] = (await findJob(rig, name)).runs;
    expect(newest?.started).toEqual(startTime);
    const following = run('follow', name);
    await chain.end('continueAsNew');
    await chain.end('complete');
    expect(await following).toMatchObject({ code: 0 });
    const past = await history(name);
    expect(past).toMatchObject([{ state: 'completed', started: startTime.toISOString() }]);
  });
});

describe('an odd job', () => {
  it('whose newest run is past retention hides no other job, and still works', async () => {
    const name = FADED;
    await faded;
    expect(await status(name)).toMatchObject({ state: 'sleeping', run: null });
    expect((await run('list')).stdout).toContain(`${name}\t`);
    expect(await run('history', name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not run yet'),
    });
    expect(await run('pause', name)).toMatchObject({ code: 0, stdout: 'The schedule is paused.\n' });
    expect(await run('resume', name)).toMatchObject({ code: 0, stdout: 'The schedule is resumed.\n' });
    const { stdout } = await run('trigger', name);
    await rig.attach(stdout.replace('Started ', '').trim()).end('complete');
    expect((await run('delete', name)).code).toBe(0);
  }, 150_000);

  it('whose id is not a slug is listed, and found by the name in the list', async () => {
    const odd = unique('VIPs_2026');
    const started = await rig.start(jobDocument('Odd'), { workflowId: `gigya-export/${odd}` });
    const list = await json<JobStatus[]>('list');
    expect(list.find(({ slug }) => slug === odd)).toMatchObject({ name: 'Odd', state: 'running' });
    expect(await status(odd)).toMatchObject({ name: 'Odd' });
    expect(await status(`gigya-export/${odd}`)).toMatchObject({ name: 'Odd' });
    expect((await at({ columns: 200 }, 'list')).stdout).toContain(`Odd (${odd}) `);
    await started.end('complete');
  });

  it('that cannot be read hides no other, nor does a schedule of others', async () => {
    const [locked, readable] = [unique('locked'), unique('Readable')];
    const run1 = await rig.start(jobDocument(readable));
    const secret = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('?') };
    const schedules = [
      { scheduleId: `gigya-export/${locked}`, type: 'exportAudience' },
      { scheduleId: unique('foreign'), type: 'somethingElse' },
    ];
    for (const { scheduleId, type } of schedules) {
      await rig.client.workflowService.createSchedule({
        namespace: rig.client.options.namespace,
        scheduleId,
        requestId: scheduleId,
        memo: { fields: { job: secret } },
        schedule: {
          state: { paused: true },
          action: {
            startWorkflow: {
              workflowId: scheduleId,
              workflowType: { name: type },
              taskQueue: { name: rig.taskQueue },
              input: { payloads: [secret] },
            },
          },
        },
      });
    }
    const list = await until(async () => {
      const jobs = await json<JobStatus[]>('list');
      return jobs.some(({ slug }) => slug === locked) ? jobs : undefined;
    });
    expect(list.find(({ name }) => name === readable)).toMatchObject({ state: 'running' });
    expect(list.find(({ slug }) => slug === locked)).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('It cannot be read'),
    });
    for (const { scheduleId } of schedules) await rig.client.schedule.getHandle(scheduleId).delete();
    await run1.end('complete');
  });

  it('that does not exist gets the same error from every command', async () => {
    const answer = { code: 1, stdout: '', stderr: 'There is no job "nobody"; "list" shows the jobs\n' };
    for (const command of [
      'status',
      'history',
      'follow',
      'pause',
      'resume',
      'refuse',
      'cancel',
      'trigger',
      'delete',
    ]) {
      expect(await run(command, 'nobody')).toEqual(answer);
    }
    expect(await run('approve', 'nobody', '--removals', '1')).toEqual(answer);
  });
});

describe('two names with one id', () => {
  it('are two jobs: the second is refused with the name of the first', async () => {
    const id = unique('VIPs');
    await (await rig.start(jobDocument(`${id} (EU)`))).end('complete');
    const second = await write(jobDocument(`${id}: EU`));
    const scheduled = await write(daily(`${id}: EU`));
    const refusal = {
      code: 1,
      stderr: `The id ${workflowIdOf(`${id} (EU)`)} belongs to the job "${id} (EU)"; give "${id}: EU" a name with other letters or digits\n`,
    };
    expect(await run('run', second)).toMatchObject(refusal);
    expect(await run('create', scheduled)).toMatchObject(refusal);
    expect(await run('preview', second)).toMatchObject(refusal);
    await (await schedule(daily(`${id}+`))).end('complete');
    expect(await run('create', await write(daily(id)))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`belongs to the job "${id}+"`),
    });
  });
});

describe('a terminal', () => {
  it.each([60, 80])('with %d columns is wide enough for list and history', async (columns) => {
    const name = `${unique('A job with a name that is rather long')} and then some more of it`;
    const big = await rig.start(jobDocument(name));
    await big.show({ counts: { ...noCounts(), members: 12_345_678, updated: 12_345_678 } });
    await big.end('complete');
    for (const args of [['list'], ['history', name]]) {
      const { stdout } = await at({ columns }, ...args);
      const long = stdout.split('\n').filter(({ length }) => length > columns);
      // A title line may be as long as the name.
      expect(long.filter((line) => !line.includes(name))).toEqual([]);
      expect(stdout).toContain('12,345,678');
      expect(stdout).not.toMatch(/[│─\u001b\t]/);
    }
  });

  it('shows times in the time zone of the job, and names it', async () => {
    const name = unique('Far away');
    await (await schedule(daily(name, { timezone: 'Asia/Kolkata' }))).end('complete');
    expect((await run('status', name)).stdout).toMatch(/next 20\d\d-\d\d-\d\d 03:30 Asia\/Kolkata$/m);
    expect((await at({ columns: 80 }, 'list')).stdout).toMatch(
      /daily at 03:30 Asia\/Kolkata; last 20\d\d-.*, next 20\d\d-\d\d-\d\d 03:30$/m,
    );
    expect((await at({ columns: 80 }, 'history', name)).stdout).toMatch(/^.*\(times in Asia\/Kolkata\)\n/);
  });
});
