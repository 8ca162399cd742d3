import type { Command } from 'commander';
import { example, NAME, outputOf } from '../command.ts';
import { commandLine } from '../commandLine.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { findJob, type KnownJob, runUnderWay } from '../jobs.ts';
import { print } from '../print.ts';

export function addDelete(program: Command): void {
  program
    .command('delete')
    .description("delete a job's schedule; what it wrote stays, and a run under way continues")
    .argument(...NAME)
    .addHelpText('after', example('delete', 'vips-to-gigya'))
    .action((name: string, _options: object, command: Command) =>
      withTemporal(async (temporal) => {
        const job = await findJob(temporal, name);
        await deleteSchedule(temporal, job);
        const run = runUnderWay(job);
        print(outputOf(command), { deleted: job.slug, still_running: run?.workflowId ?? null }, () =>
          run
            ? `Deleted the schedule of "${job.name}". Its run continues; to stop it: ${commandLine('cancel', job.slug)}`
            : `Deleted the schedule of "${job.name}"`,
        );
      }),
    );
}

export async function deleteSchedule(temporal: Temporal, { schedule, name }: KnownJob): Promise<void> {
  if (!schedule) throw new Refused(`"${name}" has no schedule: there is nothing to delete`);
  await temporal.client.schedule.getHandle(schedule.scheduleId).delete();
}
