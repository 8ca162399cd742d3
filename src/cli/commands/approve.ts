import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Command } from 'commander';
import { approveUpdate, refuseUpdate } from '../../workflows/messages.ts';
import { example, NAME, outputOf, wholeNumber } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { findJob, runUnderWay } from '../jobs.ts';
import { print } from '../print.ts';
import { type ExportHandle, handleOf } from '../runs.ts';
import { assertWorker } from '../workers.ts';

export function addApprove(program: Command): void {
  program
    .command('approve')
    .description('let a guarded run remove the audience from as many users as it found')
    .argument(...NAME)
    .requiredOption('--removals <users>', 'the number that `status` shows', wholeNumber)
    .addHelpText('after', example('approve', 'vips-to-gigya', '--removals', '250'))
    .action((name: string, { removals }: { removals: number }, command: Command) =>
      decide(command, name, (run) => run.executeUpdate(approveUpdate, { args: [{ removals }] })),
    );
}

export function addRefuse(program: Command): void {
  program
    .command('refuse')
    .description('end a guarded run: it removes nothing and fails as Guard')
    .argument(...NAME)
    .addHelpText('after', example('refuse', 'vips-to-gigya'))
    .action((name: string, _options: object, command: Command) =>
      decide(command, name, (run) => run.executeUpdate(refuseUpdate)),
    );
}

function decide(command: Command, name: string, send: (run: ExportHandle) => Promise<string>): Promise<void> {
  return withTemporal(async (temporal) => {
    const job = await findJob(temporal, name);
    const run = runUnderWay(job);
    if (!run) throw new Refused(`"${job.name}" has no run under way: there is nothing to decide`);
    await assertWorker(temporal);
    try {
      const answer = await send(handleOf(temporal, run));
      print(outputOf(command), { workflow_id: run.workflowId, answer }, () => `${answer}.`);
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new Refused(error.cause?.message ?? error.message);
    }
  });
}
