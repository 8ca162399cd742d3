import type { Command } from 'commander';
import { newestWritten, runWithId } from '../chooseRun.ts';
import { example, NAME, outputOf, runIdOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { follow } from '../follow.ts';
import { followed } from '../followed.ts';
import { documentOf, findJob, type KnownJob } from '../jobs.ts';
import { outcomeOf } from '../outcome.ts';
import { print, tell } from '../print.ts';
import type { Run } from '../runs.ts';
import { assertNoRun } from '../startJob.ts';
import { startRows } from '../startRows.ts';
import { assertWorker } from '../workers.ts';

export function addRetry(program: Command): void {
  program
    .command('retry')
    .description('export the users who failed in a run again, with their present membership')
    .argument(...NAME)
    .option('--run <id>', 'the run, as `history` shows it (default: the newest that wrote)', runIdOf)
    .option('--no-follow', 'start it and return')
    .addHelpText('after', example('retry', 'vips-to-gigya'))
    .action((name: string, options: { run?: string; follow: boolean }, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const job = await findJob(temporal, name);
        assertNoRun(job);
        const run =
          options.run === undefined ? newestWritten(job) : await runWithId(temporal, job, options.run);
        await assertFailures(temporal, job, run);
        await assertWorker(temporal);
        const document = documentOf(job);
        const selection = { rows: 'failures', workflow_id: run.workflowId, run_id: run.runId } as const;
        const started = await startRows(temporal, job, document, selection);
        if (!options.follow) {
          const ids = { workflow_id: started.workflowId, run_id: started.runId };
          return print(output, ids, () => `Started ${started.workflowId}`);
        }
        tell(output, `Started ${started.workflowId}`);
        process.exitCode = await follow(temporal, followed(started, document), output);
      }),
    );
}

/** A run without failures is not retried; one that does not say is. */
async function assertFailures(temporal: Temporal, { name }: KnownJob, run: Run): Promise<void> {
  if (run.status === 'RUNNING') throw new Refused(`The run ${run.runId} of "${name}" has not ended yet`);
  const outcome = await outcomeOf(temporal, run);
  const counts = 'summary' in outcome ? outcome.summary.counts : outcome.done?.counts;
  if (!counts || counts.failed + counts.unknown_uid > 0) return;
  throw new Refused(`No user failed in the run ${run.runId} of "${name}": there is nothing to retry`);
}
