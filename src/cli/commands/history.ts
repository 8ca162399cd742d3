import type { Command } from 'commander';
import { example, NAME, outputOf, positiveNumber } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { Refused } from '../errors.ts';
import { type PastRun, pastRuns } from '../history.ts';
import { findJob } from '../jobs.ts';
import { figure, type Output, print } from '../print.ts';
import { stateText } from '../stateText.ts';
import { type Column, tabbed, tableOf } from '../table.ts';
import { clockTime, clockTimeIn, durationOf } from '../times.ts';
import { isWorkerPolling } from '../workers.ts';

export function addHistory(program: Command): void {
  program
    .command('history')
    .description("show a job's last runs with their counts, as far back as Temporal keeps them")
    .argument(...NAME)
    .option('-n, --limit <runs>', 'how many', positiveNumber, 10)
    .addHelpText('after', example('history', 'vips-to-gigya', '--limit', '30'))
    .action((name: string, { limit }: { limit: number }, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const job = await findJob(temporal, name);
        const hasWorker = await isWorkerPolling(temporal);
        const runs = await pastRuns(temporal, job.id, { limit, hasWorker });
        if (runs.length === 0) throw new Refused(`The job "${job.name}" has not run yet`);
        print(output, runs, () =>
          describe(runs, `${job.name} (times in ${job.timezone})`, job.timezone, output),
        );
      }),
    );
}

function describe(runs: readonly PastRun[], title: string, timezone: string, output: Output): string {
  if (!output.isTerminal)
    return tabbed(
      HEADS,
      runs.map((run) => fieldsOf(run, timezone)),
    );
  const rows = runs.map((run) => cellsOf(run, timezone));
  return `${title}\n${tableOf(COLUMNS, rows, output.width, runs.map(notesOf))}`;
}

const COLUMNS: readonly Column[] = [
  { head: 'STARTED' },
  { head: 'TOOK', align: 'right' },
  { head: 'STATE' },
  { head: 'MEMBERS', align: 'right' },
  { head: 'LEFT', align: 'right', spare: 1 },
  { head: 'UPDATED', align: 'right' },
  { head: 'UNCHANGED', align: 'right', spare: 2 },
  { head: 'FAILED', align: 'right' },
];

function cellsOf(run: PastRun, timezone: string): string[] {
  const { started, seconds, counts } = run;
  const figures = [counts?.members, counts?.left, counts?.updated, counts?.unchanged, counts?.failed];
  return [
    clockTime(started, timezone),
    seconds === null ? '-' : durationOf(seconds),
    stateText({ state: run.state, run }),
    ...figures.map((count) => (count === undefined ? '-' : figure(count))),
  ];
}

function notesOf({ dry_run, rows, counts, reason }: PastRun): string[] {
  return [
    ...(dry_run ? ['preview: nothing was written'] : []),
    ...(rows ? [ROWS[rows]] : []),
    ...(counts?.stale ? [`${figure(counts.stale)} stale`] : []),
    ...(reason ? [`! ${reason}`] : []),
  ];
}

const ROWS = { failures: 'retry of failed users', plan: 'applied plan' };

const HEADS = [
  'started',
  'ended',
  'seconds',
  'state',
  'preview',
  'members',
  'left',
  'updated',
  'unchanged',
  'failed',
  'run_id',
  'reason',
  'rows',
];

function fieldsOf(run: PastRun, timezone: string): (string | number | null)[] {
  const { started, ended, seconds, dry_run, counts, reason, run_id, rows } = run;
  const { members = null, left = null, updated = null, unchanged = null, failed = null } = counts ?? {};
  return [
    clockTimeIn(started, timezone),
    ended && clockTimeIn(ended, timezone),
    seconds,
    stateText({ state: run.state, run }),
    dry_run ? 'preview' : null,
    members,
    left,
    updated,
    unchanged,
    failed,
    run_id,
    reason,
    rows,
  ];
}
