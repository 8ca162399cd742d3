import type { Command } from 'commander';
import pMap from 'p-map';
import { slugOf } from '../../names.ts';
import type { Approval } from '../../workflows/messages.ts';
import { example, outputOf } from '../command.ts';
import { commandLine } from '../commandLine.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { EXIT, isServerError } from '../errors.ts';
import { jobOf, listJobIds } from '../jobs.ts';
import { figure, type Output, print } from '../print.ts';
import { stateText } from '../stateText.ts';
import { type JobStatus, statusOf, unreadable } from '../status.ts';
import { type Column, tabbed, tableOf } from '../table.ts';
import { clockTime, clockTimeIn } from '../times.ts';
import { isWorkerPolling, noWorker } from '../workers.ts';

/** Each job takes several calls and a query. */
const JOBS_AT_ONCE = 8;

export function addList(program: Command): void {
  program
    .command('list')
    .description('list all jobs with their states; exits with 3 when there are jobs and no worker')
    .addHelpText('after', example('list'))
    .action((_options: object, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const hasWorker = await isWorkerPolling(temporal);
        const ids = await listJobIds(temporal);
        const found = await pMap(ids, (id) => statusById(temporal, id, hasWorker), {
          concurrency: JOBS_AT_ONCE,
        });
        const statuses = found
          .filter((status) => status !== undefined)
          .sort((one, other) => one.name.localeCompare(other.name));
        print(output, statuses, () =>
          describe(statuses, output, hasWorker ? null : noWorker(temporal.taskQueue)),
        );
        if (!hasWorker && statuses.length > 0) process.exitCode = EXIT.unreachable;
      }),
    );
}

/** One job that cannot be read hides no other. */
async function statusById(
  temporal: Temporal,
  id: string,
  hasWorker: boolean,
): Promise<JobStatus | undefined> {
  try {
    const job = await jobOf(temporal, id);
    return job && (await statusOf(temporal, job, hasWorker));
  } catch (error) {
    if (isServerError(error)) throw error;
    return unreadable(id, error);
  }
}

function describe(statuses: readonly JobStatus[], output: Output, trouble: string | null): string {
  if (!output.isTerminal) return tabbed(HEADS, statuses.map(fieldsOf));
  if (statuses.length === 0)
    return `No jobs yet; start one with "${commandLine('run', 'examples/job.json')}"`;
  const table = tableOf(
    COLUMNS,
    statuses.map(cellsOf),
    output.width,
    statuses.map((status) => notesOf(status, trouble)),
  );
  return trouble === null ? table : `${table}\n! ${trouble}`;
}

const COLUMNS: readonly Column[] = [
  { head: 'JOB' },
  { head: 'STATE' },
  { head: 'AUDIENCE', spare: 2 },
  { head: 'UPDATED', align: 'right' },
  { head: 'UNCHANGED', align: 'right', spare: 1 },
  { head: 'FAILED', align: 'right' },
];

function cellsOf(status: JobStatus): string[] {
  const { audience, run } = status;
  const counts = [run?.counts?.updated, run?.counts?.unchanged, run?.counts?.failed];
  return [
    nameOf(status),
    stateText({ ...status, schedule_paused: null }),
    audience ?? '',
    ...counts.map(shown),
  ];
}

/** With what to type, where that does not follow from the name. */
function nameOf({ name, slug }: JobStatus): string {
  return slugOf(name) === slug ? name : `${name} (${slug})`;
}

const shown = (count: number | undefined) => (count === undefined ? '-' : figure(count));

/** The lines below a row: the times, and each problem on its own line. */
function notesOf(status: JobStatus, trouble: string | null): string[] {
  const { schedule, schedule_paused, next_run, run, timezone, reason, state } = status;
  const times = [
    ...(run ? [`${run.ended ? 'last' : 'started'} ${clockTime(run.started, timezone)}`] : []),
    ...(next_run ? [`next ${clockTime(next_run, timezone)}`] : []),
  ];
  // The schedule names the time zone already.
  const zone = schedule?.endsWith(timezone) ? '' : ` ${timezone}`;
  const parts = [
    ...(schedule ? [schedule] : []),
    ...(times.length > 0 ? [`${times.join(', ')}${zone}`] : []),
  ];
  const pause = schedule_paused && state !== 'paused' ? 'schedule paused' : null;
  return [
    parts.join('; '),
    ...(run?.dry_run ? ['preview: nothing is written'] : []),
    ...(pause ? [`! ${pause}${schedule_paused?.note ? `: ${schedule_paused.note}` : ''}`] : []),
    ...(run?.approval ? [`! ${approvalNote(run.approval, timezone)}`] : []),
    // Printed once, below the table.
    ...(reason && reason !== trouble ? [`! ${reason}`] : []),
  ].filter((line) => line !== '');
}

function approvalNote({ removals, carriers, until }: Approval, timezone: string): string {
  return `${figure(removals)} removals of ${figure(carriers)} carriers need approval until ${clockTimeIn(until, timezone)}`;
}

const HEADS = [
  'job',
  'slug',
  'state',
  'audience',
  'schedule',
  'next_run',
  'last_run',
  'preview',
  'members',
  'updated',
  'unchanged',
  'failed',
  'reason',
];

function fieldsOf(status: JobStatus): (string | number | null)[] {
  const { name, slug, audience, schedule, next_run, run, timezone, reason } = status;
  const time = (instant: string | null | undefined) => (instant ? clockTimeIn(instant, timezone) : null);
  const { members = null, updated = null, unchanged = null, failed = null } = run?.counts ?? {};
  return [
    name,
    slug,
    stateText(status),
    audience,
    schedule,
    time(next_run),
    time(run?.started),
    run?.dry_run ? 'preview' : null,
    members,
    updated,
    unchanged,
    failed,
    run?.approval ? approvalNote(run.approval, timezone) : reason,
  ];
}
