import type { Command } from 'commander';
import { example, NAME, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { follow } from '../follow.ts';
import { followedOf } from '../followed.ts';
import { findJob } from '../jobs.ts';
import { print } from '../print.ts';
import { trigger } from '../startJob.ts';
import { assertWorker } from '../workers.ts';

export function addTrigger(program: Command): void {
  program
    .command('trigger')
    .description("start a scheduled job's run now; fails while a run is under way")
    .argument(...NAME)
    .option('--follow', 'follow it to its end', false)
    .option('--force', 'also while the schedule is paused', false)
    .addHelpText('after', example('trigger', 'vips-to-gigya', '--follow'))
    .action((name: string, options: { follow: boolean; force: boolean }, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const job = await findJob(temporal, name);
        await assertWorker(temporal);
        const run = await trigger(temporal, job, options);
        if (options.follow) process.exitCode = await follow(temporal, followedOf(run, job), output);
        else {
          const started = { workflow_id: run.workflowId, run_id: run.runId };
          print(output, started, () => `Started ${run.workflowId}`);
        }
      }),
    );
}
