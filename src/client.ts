import { readFile } from 'node:fs/promises';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { Command, CommanderError } from 'commander';
import { assertWorker, createAsk } from './client/ask.ts';
import { EXIT, Refused, Unreachable, UsageError } from './client/errors.ts';
import { follow } from './client/follow.ts';
import { createJobs } from './client/jobs.ts';
import { countsTable, figure, type Output, plainTable, print, tell } from './client/print.ts';
import { type JobStatus, pastRuns, statusOf } from './client/status.ts';
import { InvalidJob, type Job, parseJob, slugOf } from './job.ts';
import { readTemporalConfig, unreachable } from './temporal.ts';

const TASK_QUEUE = process.env['TASK_QUEUE'] || 'gigya-export';

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
    withTemporal(async ({ jobs }) => {
      const status = await statusOf(jobs, name);
      print(output(), status, () => {
        const lines = [`${status.name}: ${status.state}${status.reason ? ` (${status.reason})` : ''}`];
        if (status.daily) lines.push(`  daily at ${status.daily}, next ${status.next_run ?? 'when resumed'}`);
        if (status.started) lines.push(`  newest run ${status.workflow_id}, started ${status.started}`);
        const { progress } = status;
        if (progress) {
          const total = progress.total === null ? '' : ` of ${figure(progress.total)}`;
          lines.push(`  ${figure(progress.seen)}${total} users of "${status.audience}"`);
          lines.push(countsTable(progress.counts, { isDryRun: progress.dry_run }));
          for (const warning of progress.warnings ?? []) lines.push(`! ${warning}`);
        }
        return lines.join('\n');
      });
    }),
  );

program
  .command('list')
  .description('list all jobs with their states')
  .addHelpText('after', example('npm run client -- list'))
  .action(() =>
    withTemporal(async ({ jobs }) => {
      const statuses: JobStatus[] = [];
      for (const name of await jobs.names()) statuses.push(await statusOf(jobs, name));
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
        for (const { name, state, audience, daily, started, progress } of statuses) {
          const counts = progress?.counts;
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

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  if (!(error instanceof CommanderError)) tell(error instanceof Error ? error.message : String(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError || error instanceof InvalidJob) return EXIT.usage;
  if (error instanceof Unreachable) return EXIT.unreachable;
  // The server went away in the midst.
  if (isGrpcServiceError(error)) return EXIT.unreachable;
  return EXIT.refused;
}
