import { Presets, SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import type { ChangedRow } from '../../rows.ts';
import type { Summary } from '../../workflows/run.ts';
import { askRows } from '../askRows.ts';
import { example, FILE, outputOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { EXIT, Refused } from '../errors.ts';
import { type Followed, followToEnd, reportEnd } from '../follow.ts';
import { followed } from '../followed.ts';
import { figure, type Output, print, tell } from '../print.ts';
import { readJob } from '../readDocument.ts';
import { assertWritable } from '../rows/outputFile.ts';
import { type PlanDigest, planLine, readPlanLine, writePlan } from '../rows/planFile.ts';
import { previewText } from '../rows/previewText.ts';
import { SortedLines } from '../rows/sortedLines.ts';
import { startPreview } from '../startJob.ts';
import { assertWorker } from '../workers.ts';

export function addPreview(program: Command): void {
  program
    .command('preview')
    .description('show what a run of a job would change in Gigya, without writing anything there')
    .argument(...FILE)
    .option('--out <file>', 'write the plan to a file (mode 600): every user who would change')
    .addHelpText('after', example('preview', 'examples/job.json', '--out', 'plan.jsonl'))
    .action(async (file: string, { out }: { out?: string }, command: Command) => {
      const output = outputOf(command);
      const job = await readJob(file);
      if (out !== undefined) await assertWritable(out, [file]);
      await withTemporal(async (temporal) => {
        await assertWorker(temporal);
        const started = await startPreview(temporal, job);
        tell(output, `Started ${started.workflowId}`);
        const run = followed(started, job);
        const preview = { ...run, slug: `${run.slug}/preview` };
        const end = await followToEnd(temporal, preview, output);
        if (!end) process.exitCode = EXIT.interrupted;
        else if (!('summary' in end.outcome)) process.exitCode = reportEnd(preview, end, output);
        else process.exitCode = await report(temporal, preview, end.outcome.summary, out, output);
      });
    });
}

async function report(
  temporal: Temporal,
  run: Followed,
  summary: Summary,
  out: string | undefined,
  output: Output,
): Promise<number> {
  const plan = await collectPlan(temporal, run, summary, out, output);
  const { workflowId, runId } = run;
  const { first, ...digest } = plan;
  const value = {
    workflow_id: workflowId,
    run_id: runId,
    state: 'completed',
    ...summary,
    plan: { ...digest, out: out ?? null, first },
  };
  print(output, value, () => previewText(summary, plan, { out, webhooks: run.webhooks }, output));
  return summary.counts.failed > 0 ? EXIT.failedRecords : EXIT.ok;
}

/** Reads the rows of a preview through a worker, and sorts them by UID. */
async function collectPlan(
  temporal: Temporal,
  { workflowId, runId }: Followed,
  { job, counts }: Summary,
  out: string | undefined,
  output: Output,
): Promise<PlanDigest> {
  const lines = new SortedLines((line) => readPlanLine(line).uid);
  const bar = progressBar(output, counts.updated);
  let rows = 0;
  try {
    for await (const row of askRows(temporal, { workflowId, runId }, 'changed')) {
      await addRow(lines, row);
      rows++;
      bar.increment();
    }
    bar.stop();
    assertComplete(rows, counts.updated);
    const header = {
      format_version: '1',
      job,
      run_id: runId,
      created: new Date().toISOString(),
      counts,
    } as const;
    return await writePlan(out, header, lines.sorted());
  } finally {
    bar.stop();
    await lines.remove();
  }
}

/** A plan that lacks users must not be taken for the whole. */
function assertComplete(rows: number, updated: number): void {
  if (rows === updated) return;
  throw new Refused(
    `The plan is incomplete: the preview counted ${figure(updated)} changes, but its history holds ${figure(rows)}; this is a bug in lytics-gigya-export, report it`,
  );
}

function addRow(lines: SortedLines, row: ChangedRow): Promise<void> {
  return lines.add(row.uid, planLine(row));
}

function progressBar(output: Output, total: number): Pick<SingleBar, 'increment' | 'stop'> {
  if (!output.isAnimated || total === 0) return { increment() {}, stop() {} };
  const format = '{bar} {percentage}% reading the plan, {value}/{total} users';
  const bar = new SingleBar({ format, barsize: 20, hideCursor: true, fps: 5 }, Presets.shades_classic);
  bar.start(total, 0);
  return bar;
}
