import { optionalDateToTs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startWorker } from '../../scripts/program.ts';
import { pauseJob, resumeJob } from '../../src/cli/commands/pause.ts';
import type { Temporal } from '../../src/cli/connect.ts';
import { clockChanges } from '../../src/cli/daylightSaving.ts';
import { type PastRun, pastRuns } from '../../src/cli/history.ts';
import { findJob } from '../../src/cli/jobs.ts';
import { createJob, runOnce, type StartedRun, trigger } from '../../src/cli/startJob.ts';
import { type JobStatus, statusOf } from '../../src/cli/status.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { jobDocument } from '../support/jobs.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { type ExportHandle, untilStill } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** Several pages, so that there is a next page to pause at. */
const USERS = 1_050;

let rig: ProgramRig;
let cli: Temporal;
beforeAll(async () => {
  rig = await startPrograms({
    address: inject('temporalAddress'),
    // A namespace of its own: "list" shows all jobs there.
    namespace: 'schedules',
    sandbox: { users: USERS },
  });
  cli = { client: rig.temporal, taskQueue: String(rig.env['TASK_QUEUE']) };
});
afterAll(() => rig?.stop());

/** Lytics asks every run to wait until it is let go. */
async function hold(): Promise<void> {
  const slowDown = { kind: 'lytics_error', status: 429, retryAfterSeconds: 1 } as const;
  await rig.sandbox.admin.addFaults({ match: { method: 'scan' }, action: slowDown });
}
const letGo = () => rig.sandbox.admin.clearFaults();

const status = async (name: string): Promise<JobStatus> => statusOf(cli, await findJob(cli, name), true);
const stateOf = async (name: string) => (await status(name)).state;
const create = async (document: JobDocument) => createJob(cli, parseJob(document));
const handle = ({ workflowId }: { workflowId: string }): ExportHandle =>
  rig.temporal.workflow.getHandle(workflowId);
const resultOf = async (run: Promise<StartedRun>) => handle(await run).result();
const newestRun = async (name: string): Promise<ExportHandle> => {
  const [run] = (await findJob(cli, name)).runs;
  if (!run) throw new Error(`No run of ${name}`);
  return handle(run);
};
const past = async (name: string): Promise<PastRun[]> =>
  pastRuns(cli, (await findJob(cli, name)).id, { limit: 10, hasWorker: true });
const describeSchedule = async (name: string) => {
  const { schedule } = await findJob(cli, name);
  if (!schedule) throw new Error(`No schedule of ${name}`);
  return schedule;
};
const calendarsOf = async (name: string) =>
  (await describeSchedule(name)).spec.calendars?.map(({ hour, minute }) =>
    [hour, minute].map((range) => range?.[0]?.start),
  );

describe('a job that is kept updated', () => {
  const nightly: JobDocument = jobDocument('Nightly', {
    continuous_update: true,
    time_of_day: '03:30',
    timezone: 'Europe/Vienna',
  });
  const changed: JobDocument = {
    ...nightly,
    config: { ...nightly.config, time_of_day: '5:15', timezone: 'Asia/Kolkata', on_exit: 'keep' },
  };

  it('gets a schedule and an immediate first run', async () => {
    await hold();
    const { code, stdout, stderr } = await rig.client('create', await rig.write(nightly), '--no-follow');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'Nightly: created; it runs now, and daily at 03:30 Europe/Vienna\n',
      stderr: '',
    });
    const schedule = await describeSchedule('Nightly');
    expect(schedule).toMatchObject({
      scheduleId: 'gigya-export/nightly',
      spec: { timezone: 'Europe/Vienna' },
      policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
      action: { workflowType: 'exportAudience', workflowId: 'gigya-export/nightly' },
      info: { numActionsTaken: 1 },
    });
    expect(await calendarsOf('Nightly')).toEqual([[3, 30]]);
    expect(await stateOf('Nightly')).toBe('running');
  });

  it('refuses a second run while one is active, regardless of who starts it', async () => {
    const underWay = /A run of "Nightly" is under way; follow it with ".* follow nightly"/;
    await expect(trigger(cli, await findJob(cli, 'Nightly'))).rejects.toThrow(underWay);
    await expect(runOnce(cli, parseJob(nightly))).rejects.toThrow(underWay);
    const { code } = await rig.cli('schedule', 'trigger', '--schedule-id', 'gigya-export/nightly');
    expect(code).toBe(0);
    await until(async () => (await describeSchedule('Nightly')).info.numActionsSkippedOverlap === 1);
    expect((await describeSchedule('Nightly')).info.numActionsTaken).toBe(1);
  });

  it('is paused with a note: the schedule, and the open run before its next page', async () => {
    expect(await pauseJob(cli, await findJob(cli, 'nightly'), 'Gigya is being moved')).toEqual([
      'The schedule is paused.',
      expect.stringContaining('run'),
    ]);
    await expect(pauseJob(cli, await findJob(cli, 'nightly'), '')).rejects.toThrow(/paused/);
    await letGo();
    const run = await newestRun('nightly');
    await until(async () => (await run.query<Progress>('progress')).phase === 'members');
    await untilStill(run, (types) => types.length === 0);
    expect(await status('nightly')).toMatchObject({
      state: 'paused',
      reason: 'Gigya is being moved',
      next_run: null,
      run: { counts: { members: 0 }, total: USERS },
    });
    expect((await describeSchedule('nightly')).state).toMatchObject({
      paused: true,
      note: 'Gigya is being moved',
    });
  });

  it('stays paused when the worker restarts, and continues when it is resumed', async () => {
    await rig.worker.stop();
    rig.worker = await startWorker(rig.env);
    const run = await newestRun('nightly');
    expect(await run.query<Progress>('progress')).toMatchObject({
      state: 'paused',
      paused: { note: 'Gigya is being moved' },
      counts: { members: 0 },
    });
    expect(await resumeJob(cli, await findJob(cli, 'nightly'), '')).toEqual([
      'The schedule is resumed.',
      expect.stringContaining('run'),
    ]);
    expect((await run.result()).counts).toMatchObject({ members: USERS, updated: USERS });
    await expect(resumeJob(cli, await findJob(cli, 'nightly'), '')).rejects.toThrow(
      '"Nightly" is not paused',
    );
  });

  it('sleeps until its time, which the server reports', async () => {
    const { state, schedule, next_run } = await status('nightly');
    expect({ state, schedule }).toEqual({ state: 'sleeping', schedule: 'daily at 03:30 Europe/Vienna' });
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Vienna', timeStyle: 'short' });
    expect(clock.format(new Date(next_run ?? ''))).toBe('03:30');
    expect(Date.parse(next_run ?? '')).toBeGreaterThan(Date.now());
  });

  it('is run by its schedule, and only with its own document', async () => {
    await expect(runOnce(cli, parseJob(changed))).rejects.toThrow(
      '"Nightly" has a schedule with another document',
    );
    const run = await runOnce(cli, parseJob(nightly));
    expect(run.workflowId).toMatch(/^gigya-export\/nightly-20\d\d-/);
    expect((await handle(run).result()).counts).toMatchObject({ updated: 0, unchanged: USERS });
    expect((await describeSchedule('nightly')).info.numActionsTaken).toBe(2);
  });

  it('is not changed by the same document, and is replaced by another', async () => {
    expect(await create(nightly)).toMatchObject({ outcome: 'unchanged' });
    const { code, stdout } = await rig.client('create', await rig.write(changed));
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Nightly: changed; it runs daily at 05:15 Asia/Kolkata\n',
    });
    const schedule = await describeSchedule('nightly');
    expect(schedule).toMatchObject({
      spec: { timezone: 'Asia/Kolkata' },
      policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
      action: { args: [parseJob(changed)] },
      info: { numActionsTaken: 2 },
    });
    expect(await calendarsOf('nightly')).toEqual([[5, 15]]);
    expect(schedule.spec.intervals ?? []).toEqual([]);
    expect(await create(changed)).toMatchObject({ outcome: 'unchanged' });
  });

  it('that fails reports it with the reason', async () => {
    await rig.sandbox.admin.patchSettings({ lytics: { tokenRevoked: true } });
    const run = handle(await trigger(cli, await findJob(cli, 'nightly')));
    await expect(run.result()).rejects.toThrow();
    await rig.sandbox.admin.patchSettings({ lytics: { tokenRevoked: false } });
    expect(await status('nightly')).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('the token is wrong or has expired'),
    });
    // Of the schedule it is no fault: it runs on, and a run that ends well clears the state.
    await resultOf(trigger(cli, await findJob(cli, 'nightly')));
    expect(await stateOf('nightly')).toBe('sleeping');
  });

  it('keeps its past runs, which history and list show, also when its schedule is deleted', async () => {
    expect(
      (await past('nightly')).map(({ state, counts }) => [state, counts?.members, counts?.updated]),
    ).toEqual([
      ['completed', USERS, 0],
      ['failed', 0, 0],
      ['completed', USERS, 0],
      ['completed', USERS, USERS],
    ]);
    await resultOf(runOnce(cli, parseJob(jobDocument('Once'))));
    const deleted = await rig.client('delete', 'Nightly');
    expect(deleted).toEqual({ code: 0, stdout: 'Deleted the schedule of "Nightly"\n', stderr: '' });
    expect((await findJob(cli, 'nightly')).schedule).toBeUndefined();
    const again = await rig.client('delete', 'Nightly');
    expect(again.stderr).toBe('"Nightly" has no schedule: there is nothing to delete\n');
    expect(await past('nightly')).toHaveLength(4);
    const list = await rig.client('--json', 'list');
    const statuses: { name: string; state: string }[] = JSON.parse(list.stdout);
    expect(statuses.map(({ name, state }) => [name, state]).sort()).toEqual([
      ['Nightly', 'completed'],
      ['Once', 'completed'],
    ]);
  });
});

describe('a clock that daylight saving time changes', () => {
  const DAY_MS = 86_400_000;
  const DAYS = 720;
  const now = new Date();
  // The days that both can see whole.
  const from = new Date(now.getTime() + DAY_MS);
  const to = new Date(now.getTime() + DAYS * DAY_MS);

  beforeAll(async () => {
    await create(jobDocument('Clock', { continuous_update: true }));
  });

  /** When the server will start runs, until two years from now. */
  async function startsOf(name: string): Promise<Date[]> {
    const { startTime } = await rig.temporal.workflowService.listScheduleMatchingTimes({
      namespace: 'schedules',
      scheduleId: `gigya-export/${name}`,
      startTime: optionalDateToTs(from) ?? null,
      endTime: optionalDateToTs(to) ?? null,
    });
    return startTime.map(({ seconds }) => new Date(Number(seconds) * 1000));
  }
  /** Counted in UTC, where each day has 24 hours. */
  const dayAfter = (date: string, days: number) =>
    new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
  function perLocalDate(dates: Date[], timezone: string): Map<string, number> {
    const format = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' });
    const counts = new Map<string, number>();
    for (const date of dates) counts.set(format.format(date), (counts.get(format.format(date)) ?? 0) + 1);
    return counts;
  }

  /**
   * What the server does: where Go's `time.Date` takes the second of two hours, which is east of Greenwich, it starts
   * one run in both; and it knows only changes of whole hours.
   */
  it.each<[at: string, timezone: string, told: string[], does: string[]]>([
    ['02:30', 'Europe/Vienna', ['skipped', 'doubled'], ['skipped']],
    ['03:00', 'Europe/Vienna', [], []],
    ['02:00', 'America/New_York', ['skipped'], ['skipped']],
    ['01:59', 'America/New_York', ['doubled'], ['doubled']],
    ['02:15', 'Australia/Lord_Howe', ['skipped'], []],
    ['01:45', 'Australia/Lord_Howe', ['doubled'], []],
    // Some change at midnight.
    ['00:00', 'Asia/Beirut', ['skipped'], ['skipped']],
    ['00:00', 'America/Havana', ['skipped', 'doubled'], ['skipped', 'doubled']],
    ['00:00', 'UTC', [], []],
  ])(
    "at %s in %s causes a warning (%j) that matches the server's behaviour (%j)",
    async (at, timezone, told, does) => {
      const config = { continuous_update: true, time_of_day: at, timezone };
      await create(jobDocument('Clock', config));
      const starts = await startsOf('clock');
      const { info } = await describeSchedule('clock');
      const next = info.nextActionTimes.filter((date) => date >= from);
      expect(next.length).toBeGreaterThan(3);
      expect(starts.slice(0, next.length)).toEqual(next);

      const runs = perLocalDate(starts, timezone);
      // The first and the last day are seen in part.
      const [first = ''] = perLocalDate([from], timezone).keys();
      const days = Array.from({ length: DAYS - 3 }, (_, day) => dayAfter(first, day + 1));
      const changes = clockChanges(at, timezone, now).filter(({ date }) => days.includes(date));
      expect(new Set(changes.map(({ what }) => what))).toEqual(new Set(told));
      const seen = days.flatMap((date) => {
        const count = runs.get(date) ?? 0;
        return count === 1 ? [] : [{ date, what: count === 0 ? 'skipped' : 'doubled' }];
      });
      expect(seen).toEqual(changes.filter(({ what }) => does.includes(what)));
    },
  );
});

describe("Temporal's own CLI", () => {
  const taskQueue = () => ['--type', 'exportAudience', '--task-queue', String(rig.env['TASK_QUEUE'])];
  const temporal = async (...args: string[]) => {
    const ended = await rig.cli(...args);
    if (ended.code !== 0) throw new Error(`temporal ${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
  };

  it('creates a schedule equivalent to one of the client, and controls it', async () => {
    const document = jobDocument('By hand', {
      continuous_update: true,
      time_of_day: '03:30',
      timezone: 'Europe/Vienna',
    });
    const schedule = ['--schedule-id', 'gigya-export/by-hand'];
    await temporal(
      ...['schedule', 'create', ...schedule, '--workflow-id', 'gigya-export/by-hand', ...taskQueue()],
      ...['--calendar', '{"hour":"3","minute":"30"}', '--time-zone', 'Europe/Vienna'],
      ...['--overlap-policy', 'Skip', '--catchup-window', '1h', '--input-file', await rig.write(document)],
    );
    expect(await create(document)).toMatchObject({ outcome: 'unchanged' });
    expect(await describeSchedule('By hand')).toMatchObject({
      spec: { timezone: 'Europe/Vienna' },
      policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
    });
    expect(await calendarsOf('By hand')).toEqual([[3, 30]]);

    await temporal('schedule', 'toggle', ...schedule, '--pause', '--reason', 'a look at it');
    expect(await status('by hand')).toMatchObject({ state: 'paused', reason: 'a look at it' });
    expect(await temporal('schedule', 'describe', ...schedule)).toMatch(/Paused +true/);
    await temporal('schedule', 'toggle', ...schedule, '--unpause', '--reason', 'done');
    expect(await stateOf('by hand')).toBe('sleeping');

    await temporal('schedule', 'trigger', ...schedule);
    const [run] = await until(async () => {
      const { runs } = await findJob(cli, 'by hand');
      return runs.length > 0 && runs;
    });
    if (!run) throw new Error('The schedule started no run');
    expect((await handle(run).result()).counts.members).toBe(USERS);
    await temporal('schedule', 'delete', ...schedule);
  });

  it('starts a run by a cron expression, with a time zone', async () => {
    const id = ['--workflow-id', 'gigya-export/by-cron'];
    const document = await rig.write(jobDocument('By cron'));
    const begin = ['workflow', 'start', ...id, ...taskQueue(), '--input-file', document, '--cron'];
    await temporal(...begin, 'CRON_TZ=Europe/Vienna 30 3 * * *');
    const waiting = await handle({ workflowId: 'gigya-export/by-cron' }).describe();
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Vienna', timeStyle: 'short' });
    expect(clock.format(waiting.executionTime)).toBe('03:30');
    expect(await status('by cron')).toMatchObject({ state: 'sleeping' });
    await temporal('workflow', 'terminate', ...id);

    await temporal(...begin, '@every 1s');
    const ended = await until(async () => {
      const runs = await past('by cron');
      return runs.filter(({ state }) => state === 'completed').length >= 2 && runs;
    });
    await temporal('workflow', 'terminate', ...id);
    const completed = ended.filter(({ state }) => state === 'completed');
    expect(completed.map(({ counts }) => counts?.members)).toEqual(completed.map(() => USERS));
  });

  it('queries a run, pauses and resumes it, and is told the reason for a refusal', async () => {
    await hold();
    const id = ['--workflow-id', 'gigya-export/asked'];
    const document = await rig.write(jobDocument('Asked'));
    await temporal('workflow', 'start', ...id, ...taskQueue(), '--input-file', document);
    const update = (name: string, ...input: string[]) =>
      rig.cli(
        'workflow',
        'update',
        'execute',
        ...id,
        '--name',
        name,
        ...input.flatMap((text) => ['--input', text]),
      );
    expect(await update('resume')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The run is not paused'),
    });
    expect((await update('pause', '"a look at it"')).stdout).toContain('The run is paused');
    expect((await update('pause')).stderr).toContain('The run is already paused, since 20');
    const asked = await temporal('workflow', 'query', ...id, '--type', 'progress', '--output', 'json');
    const { queryResult }: { queryResult: Progress[] } = JSON.parse(asked);
    expect(queryResult).toMatchObject([{ state: 'paused', paused: { note: 'a look at it' } }]);
    expect((await update('resume')).stdout).toContain('The run continues');

    await temporal('workflow', 'cancel', ...id);
    await letGo();
    const run = handle({ workflowId: 'gigya-export/asked' });
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await run.query<Progress>('progress')).toMatchObject({ reason: 'The run was cancelled' });
  });

  it('resets a run that failed, once the fault is fixed', async () => {
    await rig.sandbox.admin.patchSettings({ gigya: { keyRevoked: true } });
    const id = ['--workflow-id', 'gigya-export/mended'];
    const document = await rig.write(jobDocument('Mended'));
    await temporal('workflow', 'start', ...id, ...taskQueue(), '--input-file', document);
    const run = handle({ workflowId: 'gigya-export/mended' });
    await expect(run.result()).rejects.toThrow();
    expect(await stateOf('mended')).toBe('failed');

    await rig.sandbox.admin.patchSettings({ gigya: { keyRevoked: false } });
    await temporal('workflow', 'reset', ...id, '--type', 'FirstWorkflowTask', '--reason', 'the key is back');
    expect((await run.result()).counts.members).toBe(USERS);
    expect(await stateOf('mended')).toBe('completed');
  });
});
