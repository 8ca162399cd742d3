import { type ScheduleDescription, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Command } from 'commander';
import { pauseUpdate, resumeUpdate } from '../../workflows/messages.ts';
import { example, NAME, outputOf } from '../command.ts';
import { commandLine } from '../commandLine.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { findJob, type KnownJob, runUnderWay, sleepingCron } from '../jobs.ts';
import { print } from '../print.ts';
import { handleOf, type Run } from '../runs.ts';
import { clockTimeIn } from '../times.ts';
import { assertWorker } from '../workers.ts';

export function addPause(program: Command): void {
  program
    .command('pause')
    .description('pause a job: its schedule, and the run under way at its next page')
    .argument(...NAME)
    .option('--note <text>', 'the reason, for the next person', '')
    .addHelpText('after', example('pause', 'vips-to-gigya', '--note', 'Gigya maintenance'))
    .action((name: string, options: { note: string }, command: Command) =>
      change(command, name, (temporal, job) => pauseJob(temporal, job, options.note)),
    );
}

export function addResume(program: Command): void {
  program
    .command('resume')
    .description('resume a paused job: its schedule, and its paused run')
    .argument(...NAME)
    .option('--note <text>', 'the reason, for the next person', '')
    .addHelpText('after', example('resume', 'vips-to-gigya'))
    .action((name: string, options: { note: string }, command: Command) =>
      change(command, name, (temporal, job) => resumeJob(temporal, job, options.note)),
    );
}

function change(
  command: Command,
  name: string,
  apply: (temporal: Temporal, job: KnownJob) => Promise<string[]>,
): Promise<void> {
  return withTemporal(async (temporal) => {
    const job = await findJob(temporal, name);
    if (runUnderWay(job)) await assertWorker(temporal);
    const done = await apply(temporal, job);
    print(outputOf(command), { done }, () => done.join('\n'));
  });
}

/** @returns The changes, one per line. */
export async function pauseJob(temporal: Temporal, job: KnownJob, note: string): Promise<string[]> {
  const { schedule, name, slug } = job;
  const run = runUnderWay(job);
  const cron = sleepingCron(job);
  if (cron && !schedule) throw new Refused(cannotPause(job, cron));
  if (!schedule && !run) {
    throw new Refused(`"${name}" has no schedule and no run under way: there is nothing to pause`);
  }
  const isNew = schedule !== undefined && !schedule.state.paused;
  if (isNew) {
    await temporal.client.schedule.getHandle(schedule.scheduleId).pause(note || 'paused by a person');
  }
  const done = isNew ? ['The schedule is paused.'] : [];
  if (run) done.push(...(await update(isNew, () => pauseRun(temporal, run, note))));
  if (done.length === 0) {
    throw new Refused(`"${name}" is already paused; resume it with "${commandLine('resume', slug)}"`);
  }
  return done;
}

/** Any message would start the cron's next run. */
function cannotPause({ name, slug }: KnownJob, { cron, sleepsUntil, title }: Run): string {
  const next = sleepsUntil ? `, next at ${clockTimeIn(sleepsUntil.toISOString(), title.timezone)}` : '';
  return `"${name}" is run by the cron "${cron}"${next}, which cannot be paused between its runs. Pause it while a run is under way, or end the cron with "${commandLine('cancel', slug)}"`;
}

const pauseRun = (temporal: Temporal, run: Run, note: string) =>
  handleOf(temporal, run).executeUpdate(pauseUpdate, { args: [note || undefined] });

export async function resumeJob(temporal: Temporal, job: KnownJob, note: string): Promise<string[]> {
  const { schedule, name } = job;
  const run = runUnderWay(job);
  const isPaused = isSchedulePaused(schedule);
  if (isPaused) {
    await temporal.client.schedule.getHandle(job.id).unpause(note || 'resumed by a person');
  }
  const done = isPaused ? ['The schedule is resumed.'] : [];
  if (run) {
    done.push(...(await update(isPaused, () => handleOf(temporal, run).executeUpdate(resumeUpdate))));
  }
  if (done.length === 0) throw new Refused(`"${name}" is not paused`);
  return done;
}

function isSchedulePaused(schedule: ScheduleDescription | undefined): boolean {
  return schedule?.state.paused === true;
}

/** If the schedule was changed, a run that could not be is reported, not an error. */
async function update(hasChanged: boolean, send: () => Promise<string>): Promise<string[]> {
  try {
    return [`${await send()}.`];
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const reason = error.cause?.message ?? error.message;
    if (hasChanged) return [`${reason}.`];
    throw new Refused(reason);
  }
}
