import { type Command, InvalidArgumentError } from 'commander';
import type { RunReference } from '../../rows.ts';
import { askRows } from '../askRows.ts';
import { newestBegun, runWithId } from '../chooseRun.ts';
import { example, NAME, outputOf, runIdOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { findJob, isOpen } from '../jobs.ts';
import { type Output, plural, print, tell, troubleLines, writeOut } from '../print.ts';
import {
  type Failure,
  type FailureFormat,
  FORMATS,
  failureLines,
  failureOf,
  failureTable,
} from '../rows/failures.ts';
import { assertWritable, inChunks, writeWhole } from '../rows/outputFile.ts';
import { assertWorker } from '../workers.ts';

interface Options {
  run?: string;
  format?: FailureFormat;
  out?: string;
}

export function addFailures(program: Command): void {
  program
    .command('failures')
    .description('list the users who could not be written in a run, with the reason and the callId of each')
    .argument(...NAME)
    .option('--run <id>', 'the run, as `history` shows it (default: the newest)', runIdOf)
    .option(
      '--format <format>',
      'table, csv (RFC 4180) or jsonl; --out writes csv unless it is given',
      formatOf,
    )
    .option('--out <file>', 'write them to a file (mode 600)')
    .addHelpText('after', example('failures', 'vips-to-gigya', '--out', 'failures.csv'))
    .action((name: string, options: Options, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        if (options.out !== undefined) await assertWritable(options.out);
        const job = await findJob(temporal, name);
        const run =
          options.run === undefined ? newestBegun(job) : await runWithId(temporal, job, options.run);
        await assertWorker(temporal);
        await show(temporal, run, options, output);
        const isUnderWay = job.runs.some((one) => one.runId === run.runId && isOpen(one));
        if (isUnderWay) tell(output, troubleLines('The run is still under way: others may follow', output));
      }),
    );
}

function formatOf(text: string): FailureFormat {
  const format = FORMATS.find((one) => one === text);
  if (format) return format;
  throw new InvalidArgumentError('must be table, csv or jsonl');
}

async function show(
  temporal: Temporal,
  run: RunReference,
  { format, out }: Options,
  output: Output,
): Promise<void> {
  const { workflowId, runId } = run;
  let count = 0;
  const failures = async function* (): AsyncGenerator<Failure> {
    for await (const row of askRows(temporal, { workflowId, runId }, 'failed')) {
      count++;
      yield failureOf(row, runId);
    }
  };
  if (out !== undefined) {
    await writeWhole(out, async (file) => {
      for await (const chunk of inChunks(textOf(failures(), format ?? 'csv', output)))
        await file.appendFile(chunk);
    });
    const value = { workflow_id: workflowId, run_id: runId, failures: count, out };
    return print(output, value, () => `Wrote ${plural(count, 'failure')} of the run ${runId} to ${out}`);
  }
  if (output.json) return print(output, await collect(failures()), () => '');
  for await (const chunk of inChunks(textOf(failures(), format ?? 'table', output))) await writeOut(chunk);
  if (count === 0) tell(output, `No user failed in the run ${runId}.`);
}

async function* textOf(
  failures: AsyncIterable<Failure>,
  format: FailureFormat,
  output: Output,
): AsyncGenerator<string> {
  if (format !== 'table') return yield* failureLines(failures, format);
  const all = await collect(failures);
  if (all.length > 0 || !output.isTerminal) yield `${failureTable(all, output)}\n`;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
