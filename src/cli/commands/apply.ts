import type { Command } from 'commander';
import type { Job } from '../../job.ts';
import { findPreview, outcomeOfPreview } from '../choosePreview.ts';
import { example, outputOf, runIdOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { UsageError } from '../errors.ts';
import { follow } from '../follow.ts';
import { followed } from '../followed.ts';
import { findJob } from '../jobs.ts';
import { figure, print, tell } from '../print.ts';
import { readPlanFile } from '../rows/readPlanFile.ts';
import type { StartedRun } from '../startJob.ts';
import { startRows } from '../startRows.ts';
import { assertWorker } from '../workers.ts';

interface Options {
  run?: string;
  follow: boolean;
}

export function addApply(program: Command): void {
  program
    .command('apply')
    .description('write the plan of a preview, except for users who were changed since')
    .argument('[file]', 'the plan that `preview --out` wrote')
    .option('--run <id>', 'the preview, without a file', runIdOf)
    .option('--no-follow', 'start it and return')
    .addHelpText('after', example('apply', 'plan.jsonl'))
    .action(async (file: string | undefined, options: Options, command: Command) => {
      const output = outputOf(command);
      const plan = await planOf(file, options.run);
      await withTemporal(async (temporal) => {
        const { started, document, users } = await apply(temporal, plan);
        const { workflowId, runId } = started;
        if (!options.follow) {
          return print(output, { workflow_id: workflowId, run_id: runId }, () => `Started ${workflowId}`);
        }
        tell(output, `Started ${workflowId}: ${figure(users)} users of the preview ${plan.run_id}`);
        process.exitCode = await follow(temporal, followed(started, document), output);
      });
    });
}

interface WantedPlan {
  run_id: string;
  /** The job's name; undefined without a file. */
  job?: string;
}

async function planOf(file: string | undefined, run: string | undefined): Promise<WantedPlan> {
  if (file !== undefined && run === undefined) return readPlanFile(file);
  if (file === undefined && run !== undefined) return { run_id: run };
  throw new UsageError('Name the file of a plan, or the preview with --run; not both');
}

async function apply(
  temporal: Temporal,
  plan: WantedPlan,
): Promise<{ started: StartedRun; document: Job; users: number }> {
  const { run, document } = await findPreview(temporal, plan);
  const { counts } = await outcomeOfPreview(temporal, run);
  const known = await findJob(temporal, document.name);
  await assertWorker(temporal);
  const selection = { rows: 'plan', workflow_id: run.workflowId, run_id: run.runId } as const;
  return { started: await startRows(temporal, known, document, selection), document, users: counts.updated };
}
