import type { Command } from 'commander';
import type { Job } from '../../job.ts';
import { example, outputOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { follow } from '../follow.ts';
import { followed } from '../followed.ts';
import { type Output, print, tell, troubleLines } from '../print.ts';
import { readJob } from '../readDocument.ts';
import { scheduleWarning } from '../scheduleSpec.ts';
import { type Creation, createJob } from '../startJob.ts';
import { wrapped } from '../table.ts';
import { assertWorker } from '../workers.ts';

export function addCreate(program: Command): void {
  program
    .command('create')
    .description('create a job: a schedule and a first run now with continuous_update, else one run')
    .argument(
      '[file]',
      "the job document; - reads standard input; without it, the settings of Lytics' form are asked for",
    )
    .option('--no-follow', 'start it and return')
    .addHelpText('after', example('create', 'examples/job-daily.json'))
    .action(async (file: string | undefined, options: { follow: boolean }, command: Command) => {
      const output = outputOf(command);
      const given = file === undefined ? undefined : await readJob(file);
      await withTemporal(async (temporal) => {
        await assertWorker(temporal);
        if (given) await create(temporal, given, options.follow, output);
        else {
          // The prompts take longer to load than most commands take.
          const { createJobWithWizard } = await import('../wizard/createJobWithWizard.ts');
          await createJobWithWizard(temporal, output, (job) => create(temporal, job, options.follow, output));
        }
      });
    });
}

async function create(temporal: Temporal, job: Job, isFollowed: boolean, output: Output): Promise<void> {
  const warning = scheduleWarning(job);
  if (warning) tell(output, troubleLines(warning, output));
  const creation = await createJob(temporal, job);
  const text = `${job.name}: ${describe(creation)}`;
  const { run, outcome, times, paused } = creation;
  if (isFollowed && run) {
    tell(output, `${text}. Following the ${times ? 'first ' : ''}run.`);
    process.exitCode = await follow(temporal, followed(run, job), output);
    return;
  }
  const value = {
    job: job.name,
    outcome,
    schedule: times,
    schedule_paused: paused,
    warning: warning ?? null,
    workflow_id: run?.workflowId ?? null,
    run_id: run?.runId ?? null,
  };
  print(output, value, () => (output.isTerminal ? wrapped(text, output.width, '  ') : text));
}

function describe({ outcome, times, paused }: Creation): string {
  if (outcome === 'started') return 'started one run';
  if (outcome === 'created' && !paused) return `created; it runs now, and ${times}`;
  const what = outcome === 'created' ? 'created' : outcome === 'updated' ? 'changed' : 'nothing changed';
  if (!paused) return `${what}; it runs ${times}`;
  const note = paused.note ? ` (${paused.note})` : '';
  return `${what}; its schedule is paused${note}, and runs ${times} once resumed`;
}
