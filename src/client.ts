import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { Command, CommanderError } from 'commander';
import { assertWorker, createAsk, isWorkerThere } from './cli/ask.ts';
import { askForJob } from './cli/create.ts';
import { clockWarning } from './cli/daylightSaving.ts';
import { EXIT, Refused, Unreachable, UsageError } from './cli/errors.ts';
import { follow } from './cli/follow.ts';
import { createJobs, type Jobs } from './cli/jobs.ts';
import { countsTable, figure, type Output, plainTable, print, tell } from './cli/print.ts';
import { type JobStatus, pastRuns, statusOf } from './cli/status.ts';
import { setPaused } from './cli/steer.ts';
import { InvalidJob, type Job, parseJob } from './job.ts';
import { TASK_QUEUE as DEFAULT_TASK_QUEUE, slugOf } from './names.ts';
import { readTemporalConfig, unreachable } from './temporal.ts';

const TASK_QUEUE = process.env['TASK_QUEUE'] || DEFAULT_TASK_QUEUE;
const AUTHORIZATIONS_FILE = resolve(process.env['AUTHORIZATIONS_FILE'] || 'authorizations.json');

/** Connects, runs a command, and closes the connection whatever comes of it. */
async function withTemporal<T>(
  command: (temporal: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const temporal = await connect();
  try {
    return await command(temporal);
  } finally {
    await temporal.client.connection.close();
  }
}

async function connect() {
  const { connectionOptions, namespace, address } = readTemporalConfig();
  const connection = await Connection.connect({ connectTimeout: '5 s', ...connectionOptions }).catch(
    (error: unknown) => {
      throw new Unreachable(unreachable(address, error));
    },
  );
  const client = new Client({ connection, namespace });
  return { client, jobs: createJobs({ client, taskQueue: TASK_QUEUE }), ask: createAsk(client, TASK_QUEUE) };
}

/** @throws {UsageError} {@link InvalidJob} */
async function readJob(path: string): Promise<Job> {
  const written = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`The job document ${path} cannot be read (${error.code}); check the path`);
  });
  let document: unknown;
  try {
    document = JSON.parse(written);
  } catch (error) {
    throw new UsageError(
      `The job document ${path} is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
  return parseJob(document);
}

const program = new Command('client')
  .description('Exports Lytics audiences to Gigya: starts jobs, and shows and steers them')
  .option('--json', 'print JSON, for programs', false)
  .showHelpAfterError('(add --help for more)')
  .exitOverride()
  .addHelpText(
    'after',
    `
NAME is the job's name, in any spelling with the same letters and digits: "VIPs to Gigya" or vips-to-gigya.

Examples:
  npm run client -- run job.json
  npm run client -- status "VIPs to Gigya"
  npm run client -- --json list | jq

Exit codes: 0 done, 1 the run failed or the command is refused, 2 bad input, 3 no server or no worker.
Where Temporal is: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other TEMPORAL_* variables, or temporal.toml.`,
  );

const output = (): Output => ({ json: program.opts<{ json: boolean }>().json });

function example(lines: string): string {
  return `\nExample:\n  ${lines}`;
}

program
  .command('run')
  .description('run a job now, once, and follow it to its end')
  .argument('<file>', 'the job document')
  .option('--no-follow', 'start it and leave')
  .addHelpText('after', example('npm run client -- run job.json'))
  .action((file: string, options: { follow: boolean }) =>
    withTemporal(async ({ client, jobs }) => {
      const job = await readJob(file);
      await assertWorker(client, TASK_QUEUE);
      const workflowId = await jobs.run(job);
      if (!output().json) tell(`Started ${workflowId}`);
      if (options.follow) process.exitCode = await follow(jobs.handleOf(workflowId), output());
      else if (output().json) print(output(), { workflow_id: workflowId }, () => '');
    }),
  );

program
  .command('create')
  .description('make a job: a daily schedule when it is kept updated (first run at once), else one run')
  .argument('[file]', 'the job document; without it you are asked for everything')
  .option('--no-follow', 'start it and leave')
  .addHelpText('after', example('npm run client -- create job.json'))
  .action((file: string | undefined, options: { follow: boolean }) =>
    withTemporal(async ({ client, jobs, ask }) => {
      const given = file === undefined ? undefined : await readJob(file);
      await assertWorker(client, TASK_QUEUE);
      const job = given ?? (await askForJob(ask, AUTHORIZATIONS_FILE));
      const { outcome, workflowId } = await create(jobs, job);
      if (options.follow && workflowId !== undefined) {
        tell(`${job.name}: ${outcome}. Following the first run.`);
        process.exitCode = await follow(jobs.handleOf(workflowId), output());
      } else {
        print(
          output(),
          { job: job.name, outcome, workflow_id: workflowId ?? null },
          () => `${job.name}: ${outcome}`,
        );
      }
    }),
  );

program
  .command('check')
  .description('look at all that a job needs, without writing anything')
  .argument('<file>', 'the job document')
  .addHelpText('after', example('npm run client -- check job.json'))
  .action((file: string) =>
    withTemporal(async ({ client, ask }) => {
      const job = await readJob(file);
      await assertWorker(client, TASK_QUEUE);
      const checks = await ask.checkJob(job);
      const warning =
        job.config.continuous_update && clockWarning(job.config.time_of_day, job.config.timezone);
      print(output(), { checks, warning: warning || null }, () =>
        [
          ...checks.map(({ ok, what, found }) => `${ok ? '✔' : '✘'} ${what}: ${found}`),
          ...(warning ? [`! ${warning}`] : []),
        ].join('\n'),
      );
      if (!checks.every(({ ok }) => ok)) process.exitCode = EXIT.refused;
    }),
  );

program
  .command('pause')
  .description('pause a job: its schedule, and a run under way at its next page')
  .argument('<name>', "the job's name")
  .option('--note <text>', 'why, for those who come after', '')
  .addHelpText('after', example('npm run client -- pause vips-to-gigya --note "Gigya is being moved"'))
  .action((name: string, options: { note: string }) => steer(name, true, options.note));

program
  .command('resume')
  .description('let a paused job go on')
  .argument('<name>', "the job's name")
  .option('--note <text>', 'why, for those who come after', '')
  .addHelpText('after', example('npm run client -- resume vips-to-gigya'))
  .action((name: string, options: { note: string }) => steer(name, false, options.note));

program
  .command('trigger')
  .description("start a scheduled job's run now; refused while one is under way")
  .argument('<name>', "the job's name")
  .option('--follow', 'follow it to its end', false)
  .addHelpText('after', example('npm run client -- trigger vips-to-gigya --follow'))
  .action((name: string, options: { follow: boolean }) =>
    withTemporal(async ({ jobs }) => {
      const workflowId = await jobs.trigger(name);
      if (options.follow) process.exitCode = await follow(jobs.handleOf(workflowId), output());
      else print(output(), { workflow_id: workflowId }, () => `Started ${workflowId}`);
    }),
  );

program
  .command('delete')
  .description("delete a job's schedule; what it wrote stays, and a run under way goes on")
  .argument('<name>', "the job's name")
  .addHelpText('after', example('npm run client -- delete vips-to-gigya'))
  .action((name: string) =>
    withTemporal(async ({ jobs }) => {
      const workflowId = await jobs.runUnderWay(name);
      await jobs.delete(name);
      print(output(), { deleted: slugOf(name), still_running: workflowId ?? null }, () =>
        workflowId === undefined
          ? `Deleted the schedule of "${slugOf(name)}"`
          : `Deleted the schedule of "${slugOf(name)}". The run ${workflowId} goes on; to stop it: npm run temporal -- workflow cancel --workflow-id ${workflowId}`,
      );
    }),
  );

program
  .command('follow')
  .description("follow a job's newest run to its end")
  .argument('<name>', "the job's name")
  .addHelpText('after', example('npm run client -- follow vips-to-gigya'))
  .action((name: string) =>
    withTemporal(async ({ jobs }) => {
      const workflowId = await jobs.newestRun(name);
      if (workflowId === undefined) throw new Refused(`The job "${name}" has not run yet`);
      process.exitCode = await follow(jobs.handleOf(workflowId), output());
    }),
  );

program
  .command('status')
  .description('show a job: its state, its newest run and the counts')
  .argument('<name>', "the job's name")
  .addHelpText('after', example('npm run client -- status vips-to-gigya'))
  .action((name: string) =>
    withTemporal(async ({ client, jobs }) => {
      const status = await statusOf(jobs, name, await isWorkerThere(client, TASK_QUEUE));
      print(output(), status, () => {
        const { state, reason, daily, next_run, started, counts, total } = status;
        const lines = [`${status.name}: ${state}${reason ? ` (${reason})` : ''}`];
        if (daily) lines.push(`  daily at ${daily}, next ${next_run ?? 'when resumed'}`);
        if (started) lines.push(`  newest run ${status.workflow_id}, started ${started}`);
        if (counts) {
          const of = total === null ? '' : ` of ${figure(total)}`;
          lines.push(`  ${figure(status.seen ?? 0)}${of} users of "${status.audience}"`);
          lines.push(countsTable(counts, { isDryRun: status.dry_run }));
        }
        for (const warning of status.warnings) lines.push(`! ${warning}`);
        return lines.join('\n');
      });
    }),
  );

program
  .command('list')
  .description('list all jobs with their states')
  .addHelpText('after', example('npm run client -- list'))
  .action(() =>
    withTemporal(async ({ client, jobs }) => {
      const isThere = await isWorkerThere(client, TASK_QUEUE);
      const statuses: JobStatus[] = [];
      for (const name of await jobs.names()) statuses.push(await statusOf(jobs, name, isThere));
      print(output(), statuses, () => {
        if (statuses.length === 0) return 'No jobs yet; start one with "npm run client -- run job.json"';
        const table = plainTable([
          'job',
          'state',
          'audience',
          'daily',
          'last run',
          'updated',
          'unchanged',
          'failed',
        ]);
        for (const { name, state, audience, daily, started, counts } of statuses) {
          const figures = [counts?.updated, counts?.unchanged, counts?.failed];
          const shown = figures.map((count) => (count === undefined ? '' : figure(count)));
          table.push([
            name,
            state,
            audience,
            daily ?? 'once',
            started?.slice(0, 16).replace('T', ' ') ?? '',
            ...shown,
          ]);
        }
        return table.toString();
      });
    }),
  );

program
  .command('history')
  .description("show a job's last runs with their counts")
  .argument('<name>', "the job's name")
  .option('-n, --limit <runs>', 'how many', (text) => Math.max(1, Number.parseInt(text, 10) || 10), 10)
  .addHelpText('after', example('npm run client -- history vips-to-gigya --limit 30'))
  .action((name: string, options: { limit: number }) =>
    withTemporal(async ({ client, jobs }) => {
      const runs = await pastRuns(client, jobs, name, options.limit);
      if (runs.length === 0) throw new Refused(`The job "${slugOf(name)}" has not run yet`);
      print(output(), runs, () => {
        const table = plainTable([
          'started',
          'state',
          'members',
          'left',
          'updated',
          'unchanged',
          'failed',
          '',
        ]);
        for (const { started, state, counts, reason } of runs) {
          const figures = [counts?.members, counts?.left, counts?.updated, counts?.unchanged, counts?.failed];
          const shown = figures.map((count) => (count === undefined ? '' : figure(count)));
          table.push([started.slice(0, 19).replace('T', ' '), state, ...shown, (reason ?? '').slice(0, 60)]);
        }
        return table.toString();
      });
    }),
  );

function steer(name: string, isPaused: boolean, note: string): Promise<void> {
  return withTemporal(async ({ client, jobs }) => {
    if ((await jobs.runUnderWay(name)) !== undefined) await assertWorker(client, TASK_QUEUE);
    const done = await setPaused(jobs, name, isPaused, note);
    print(output(), { done }, () => done.join('\n'));
  });
}

async function create(jobs: Jobs, job: Job): Promise<{ outcome: string; workflowId?: string }> {
  if (!job.config.continuous_update) return { outcome: 'started once', workflowId: await jobs.run(job) };
  const { time_of_day, timezone } = job.config;
  const warning = clockWarning(time_of_day, timezone);
  if (warning) tell(`! ${warning}`);
  const { outcome, run } = await jobs.keepUpdated(job);
  const daily = `daily at ${time_of_day} ${timezone}`;
  if (outcome === 'unchanged') return { outcome: `nothing changed; it runs ${daily}` };
  if (outcome === 'updated') return { outcome: `changed; from its next run on, ${daily}` };
  return { outcome: `created; it runs now, and ${daily}`, ...(run !== undefined && { workflowId: run }) };
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  if (error instanceof Error && error.name === 'ExitPromptError') {
    tell('Nothing was started');
    // Whoever presses Ctrl-C does not wait for an answer that is still to come.
    process.exit();
  } else if (!(error instanceof CommanderError)) tell(error instanceof Error ? error.message : String(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError || error instanceof InvalidJob) return EXIT.usage;
  if (error instanceof Unreachable) return EXIT.unreachable;
  // The server went away in the midst.
  if (isGrpcServiceError(error)) return EXIT.unreachable;
  return EXIT.refused;
}
