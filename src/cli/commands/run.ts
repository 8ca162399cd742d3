import type { Command } from 'commander';
import { example, FILE, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { follow } from '../follow.ts';
import { followed } from '../followed.ts';
import { print, tell } from '../print.ts';
import { readJob } from '../readDocument.ts';
import { runOnce } from '../startJob.ts';
import { assertWorker } from '../workers.ts';

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a job once, now, and follow it to its end')
    .argument(...FILE)
    .option('--no-follow', 'start it and return')
    .option('--force', 'also while its schedule is paused', false)
    .addHelpText('after', example('run', 'examples/job.json'))
    .action(async (file: string, options: { follow: boolean; force: boolean }, command: Command) => {
      const output = outputOf(command);
      const job = await readJob(file);
      await withTemporal(async (temporal) => {
        await assertWorker(temporal);
        const run = await runOnce(temporal, job, options);
        if (!options.follow) {
          const started = { workflow_id: run.workflowId, run_id: run.runId };
          return print(output, started, () => `Started ${run.workflowId}`);
        }
        tell(output, `Started ${run.workflowId}`);
        process.exitCode = await follow(temporal, followed(run, job), output);
      });
    });
}
