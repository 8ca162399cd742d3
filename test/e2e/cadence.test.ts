import { msToTs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Temporal } from '../../src/cli/connect.ts';
import { findJob } from '../../src/cli/jobs.ts';
import { timesOf } from '../../src/cli/schedules.ts';
import { createJob } from '../../src/cli/startJob.ts';
import { statusOf } from '../../src/cli/status.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { quietHoursOf, quietUntil, quietWindows } from '../../src/quietHours.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { connectClient, unique } from '../support/temporal.ts';

let cli: Temporal;
beforeAll(() => {
  cli = { client: connectClient(provided().address), taskQueue: unique('nobody') };
});
afterAll(() => cli.client.connection.close());

/** Paused, so that nothing runs: the server's own view of the times is what counts. */
const paused = (name: string, config: Partial<JobDocument['config']>): JobDocument => ({
  ...jobDocument(unique(name), {
    continuous_update: true,
    time_of_day: '03:30',
    timezone: 'Europe/Vienna',
    ...config,
  }),
  status: 'paused',
});

async function scheduleOf(name: string) {
  const { schedule } = await findJob(cli, name);
  if (!schedule) throw new Error(`No schedule of ${name}`);
  return schedule;
}

describe('the schedule on the server', () => {
  it.each<[config: Partial<JobDocument['config']>, times: string]>([
    [{ run_frequency: 'hourly' }, 'hourly at minute 30'],
    [{}, 'daily at 03:30 Europe/Vienna'],
    [{ run_frequency: 'weekly', day_of_week: 'friday' }, 'weekly on Friday at 03:30 Europe/Vienna'],
    [{ run_frequency: 'monthly', day_of_month: 15 }, 'monthly on day 15 at 03:30 Europe/Vienna'],
  ])('runs, for %j, %s', async (config, times) => {
    const document = paused('cadence', config);
    expect(await createJob(cli, parseJob(document))).toEqual({
      outcome: 'created',
      times,
      paused: { note: 'paused by the job document' },
    });
    const schedule = await scheduleOf(document.name);
    expect(timesOf(schedule)).toBe(times);
    expect(schedule.info.numActionsTaken).toBe(0);
    const [first, second] = schedule.info.nextActionTimes;
    if (!first || !second) throw new Error('There are no next times');
    const hours = (second.getTime() - first.getTime()) / 3_600_000;
    // A clock change may lie between two runs.
    const expected = { hourly: 1, daily: 24, weekly: 168, monthly: 730 }[config.run_frequency ?? 'daily'];
    expect(Math.abs(hours - expected)).toBeLessThanOrEqual(config.run_frequency === 'monthly' ? 60 : 1);
  });

  it('ends when the job expires, and is not created for a job that has expired', async () => {
    const document = paused('expiring', {});
    await createJob(cli, parseJob({ ...document, expires_at: '2040-01-31T00:00:00+01:00' }));
    expect((await scheduleOf(document.name)).spec.endAt).toEqual(new Date('2040-01-30T23:00:00Z'));
    const schedule = cli.client.schedule.getHandle((await scheduleOf(document.name)).scheduleId);
    await schedule.update(({ state, ...options }) => ({
      ...options,
      spec: { ...options.spec, endAt: new Date('2020-01-31T00:00:00Z') },
      state: { ...state, paused: false },
    }));
    expect(await statusOf(cli, await findJob(cli, document.name), false)).toMatchObject({
      state: 'completed',
      reason: 'The job expired at 2020-01-31T00:00:00.000Z, so no further run starts',
      next_run: null,
    });
    const expired = { ...paused('expired', {}), expires_at: '2020-01-31T00:00:00Z' };
    await expect(createJob(cli, parseJob(expired))).rejects.toThrow('expired at 2020-01-31T00:00:00Z');
    await expect(findJob(cli, expired.name)).rejects.toThrow('There is no job');
  });

  it('starts hourly runs on both days on which the clock changes; in quiet hours they wait for the end', async () => {
    const document = {
      ...paused('all night', { run_frequency: 'hourly', time_of_day: '00:30' }),
      quiet_time_of_day: '10:00pm',
      quiet_timezone: 'Europe/Vienna',
      quiet_period: 7.5,
    };
    const job = parseJob(document);
    await createJob(cli, job);
    const quiet = quietHoursOf(job);
    if (!quiet) throw new Error('The job has no quiet hours');
    /** The server's times from noon to noon in Vienna, and when each of these runs would begin to work. */
    const runsBetween = async (from: string, to: string) => {
      const { startTime } = await cli.client.workflowService.listScheduleMatchingTimes({
        namespace: 'default',
        scheduleId: (await scheduleOf(document.name)).scheduleId,
        startTime: msToTs(Date.parse(from)),
        endTime: msToTs(Date.parse(to)),
      });
      return startTime.map(({ seconds }) => {
        const due = Number(seconds) * 1000;
        return { due, begins: quietUntil(quietWindows(quiet, due, due + 1), due) ?? due };
      });
    };
    const waiting = (runs: { due: number; begins: number }[]) =>
      runs.filter(({ due, begins }) => begins > due);
    const spring = await runsBetween('2027-03-27T11:00:00Z', '2027-03-28T10:00:00Z');
    expect(spring).toHaveLength(23);
    // 22:30, 23:30, 00:30, 01:30, 03:30 and 04:30; the clock skips 02:30. The end is 05:30.
    expect(waiting(spring)).toHaveLength(6);
    expect(new Set(waiting(spring).map(({ begins }) => begins))).toEqual(
      new Set([Date.parse('2027-03-28T03:30:00Z')]),
    );
    const autumn = await runsBetween('2027-10-30T10:00:00Z', '2027-10-31T11:00:00Z');
    expect(autumn).toHaveLength(25);
    // 02:30 comes twice.
    expect(waiting(autumn)).toHaveLength(8);
    expect(new Set(waiting(autumn).map(({ begins }) => begins))).toEqual(
      new Set([Date.parse('2027-10-31T04:30:00Z')]),
    );
  });

  it('is shown as paused, and stays paused when the document no longer pauses it', async () => {
    const document = paused('resting', {});
    await createJob(cli, parseJob(document));
    const status = await statusOf(cli, await findJob(cli, document.name), false);
    expect(status).toMatchObject({ state: 'paused', reason: 'paused by the job document', run: null });
    const { status: _, ...unpaused } = document;
    expect(await createJob(cli, parseJob(unpaused))).toMatchObject({
      outcome: 'updated',
      paused: { note: 'paused by the job document' },
    });
    await cli.client.schedule.getHandle((await scheduleOf(document.name)).scheduleId).unpause();
    expect(await createJob(cli, parseJob(document))).toMatchObject({ outcome: 'updated', paused: {} });
  });
});

it('refuses to pause a job that has no schedule', async () => {
  const document = paused('single', { continuous_update: false });
  await expect(createJob(cli, parseJob(document))).rejects.toThrow(/has no schedule to pause/);
});
