import type { Command } from 'commander';
import { approvalLines } from '../approval.ts';
import { example, NAME, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { EXIT } from '../errors.ts';
import { findJob } from '../jobs.ts';
import { countLines, figure, type Output, plural, print, rateText, troubleLines } from '../print.ts';
import { phaseText, stateText } from '../stateText.ts';
import { type JobStatus, type RunStatus, statusOf } from '../status.ts';
import { clockTimeIn, durationOf } from '../times.ts';
import { isWorkerPolling, noWorker } from '../workers.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show a job: its state, its newest run and the counts; exits with 3 without a worker')
    .argument(...NAME)
    .addHelpText('after', example('status', 'vips-to-gigya'))
    .action((name: string, _options: object, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const job = await findJob(temporal, name);
        const hasWorker = await isWorkerPolling(temporal);
        const status = await statusOf(temporal, job, hasWorker);
        if (!hasWorker && status.state !== 'no_worker') status.warnings.push(noWorker(temporal.taskQueue));
        print(output, status, () => describe(status, output));
        if (!hasWorker || status.state === 'no_worker') process.exitCode = EXIT.unreachable;
      }),
    );
}

function describe(status: JobStatus, output: Output): string {
  const { name, audience, schedule, next_run, timezone, run, reason, warnings } = status;
  const lines = [`${name}: ${stateText(status)}`];
  if (audience) lines.push(`  audience  ${audience}`);
  if (schedule)
    lines.push(`  schedule  ${schedule}${next_run ? `, next ${clockTimeIn(next_run, timezone)}` : ''}`);
  lines.push(...skippedLines(status));
  if (run) lines.push(...runLines(run, status));
  const trouble = [
    ...(status.schedule_paused?.note ? [`Schedule paused: ${status.schedule_paused.note}`] : []),
    ...(reason && reason !== status.schedule_paused?.note ? [reason] : []),
    ...warnings,
  ];
  lines.push(...trouble.map((text) => troubleLines(text, output)));
  if (run?.approval && run.phase === 'approval') {
    const [what = '', ...commands] = approvalLines(run.approval, status.slug, timezone);
    lines.push(troubleLines(what, output), ...commands);
  }
  return lines.join('\n');
}

function skippedLines({ skipped: { overlap, missed } }: JobStatus): string[] {
  const parts = [
    ...(overlap > 0 ? [`${plural(overlap, 'run')} skipped while another was under way`] : []),
    ...(missed > 0 ? [`${plural(missed, 'run')} missed while Temporal was down`] : []),
  ];
  return parts.length > 0 ? [`  skipped   ${parts.join('; ')}`] : [];
}

function runLines(run: RunStatus, { audience, timezone }: JobStatus): string[] {
  const { started, ended, phase, seen, total, rate, seconds_left, counts, dry_run, in_gigya } = run;
  const ending = ended
    ? `, took ${durationOf(Math.round((Date.parse(ended) - Date.parse(started)) / 1000))}`
    : '';
  const lines = [
    `  ${ended ? 'last run' : 'run     '}  started ${clockTimeIn(started, timezone)}${ending}`,
    `  id        ${run.workflow_id}`,
  ];
  if (dry_run) lines.push('  preview   nothing is written');
  if (run.audience && run.audience !== audience) lines.push(`  exported  ${run.audience}`);
  if (seen !== null && !ended) {
    const parts = [`${figure(seen)}${total === null ? '' : ` of ${figure(total)}`} users`];
    if (rate > 0) parts.push(`${rateText(rate)}/s`);
    if (seconds_left !== null) parts.push(`${durationOf(seconds_left)} left`);
    const step = phase && phaseText(phase);
    if (step) parts.push(step);
    lines.push(`  progress  ${parts.join(', ')}`);
  }
  if (counts) lines.push(countLines(counts, { isDryRun: dry_run }));
  if (in_gigya !== null) lines.push(`  in Gigya  ${plural(in_gigya, 'user')} carry the audience`);
  return lines;
}
