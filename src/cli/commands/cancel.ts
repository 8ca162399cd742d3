import type { Command } from 'commander';
import { example, NAME, outputOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { findJob, type KnownJob, runUnderWay, sleepingCron } from '../jobs.ts';
import { print } from '../print.ts';
import { handleOf } from '../runs.ts';

export function addCancel(program: Command): void {
  program
    .command('cancel')
    .description('cancel the run under way; what it wrote stays, and its schedule continues')
    .argument(...NAME)
    .addHelpText('after', example('cancel', 'vips-to-gigya'))
    .action((name: string, _options: object, command: Command) =>
      withTemporal(async (temporal) => {
        const { cancelled, text } = await cancelRun(temporal, await findJob(temporal, name));
        print(outputOf(command), { cancelled }, () => text);
      }),
    );
}

export async function cancelRun(
  temporal: Temporal,
  job: KnownJob,
): Promise<{ cancelled: string; text: string }> {
  const run = runUnderWay(job);
  if (run) {
    await handleOf(temporal, run).cancel();
    const rest = run.cron ? ', and with it the cron' : '';
    return {
      cancelled: run.workflowId,
      text: `Cancelling ${run.workflowId}${rest}: it stops after the records in flight`,
    };
  }
  const cron = sleepingCron(job);
  if (!cron) throw new Refused(`"${job.name}" has no run under way: there is nothing to cancel`);
  // A cancel request would start the cron's next run; it has not started, so terminate it.
  await handleOf(temporal, cron).terminate('cancelled by a person between two runs');
  return { cancelled: cron.workflowId, text: `Ended the cron "${cron.cron}" of "${job.name}"` };
}
