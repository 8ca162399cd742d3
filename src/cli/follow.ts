import { setTimeout as sleep } from 'node:timers/promises';
import {
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { Presets, SingleBar } from 'cli-progress';
import { z } from 'zod';
import type { exportAudience } from '../workflows/index.ts';
import { type Progress, progressQuery } from '../workflows/messages.ts';
import type { Summary } from '../workflows/run.ts';
import { EXIT, reasonOf, Unreachable } from './errors.ts';
import { countsTable, figure, type Output, print, seconds, tell } from './print.ts';

/** How often the run is asked for its progress: each answer costs the worker a moment, and no history. */
const INTERVAL_MS = 500;
/** Lines in a pipe are further apart, and only where something changed. */
const LINE_INTERVAL_MS = 2_000;
const NO_ANSWER_MS = 30_000;

type Outcome = { summary: Summary } | { failure: { type: string; message: string } };

/** Follows a run to its end. @returns The exit code. */
export async function follow(handle: WorkflowHandle<typeof exportAudience>, output: Output): Promise<number> {
  const view = output.json ? undefined : process.stdout.isTTY ? barView() : lineView();
  let outcome: Outcome | undefined;
  const ended = outcomeOf(handle).then((value) => {
    outcome = value;
  });
  let answeredAt = Date.now();
  try {
    while (!outcome) {
      await Promise.race([ended, sleep(INTERVAL_MS)]);
      const progress = await ask(handle);
      if (progress) {
        answeredAt = Date.now();
        view?.show(progress);
      } else if (!outcome && Date.now() - answeredAt > NO_ANSWER_MS) {
        throw new Unreachable(
          `No worker answers for ${handle.workflowId}; start one with "npm run worker". The run goes on where it stopped`,
        );
      }
    }
  } finally {
    view?.stop();
  }
  const last = await ask(handle);
  return report(handle.workflowId, outcome, last, output);
}

/** The run's progress, with the pages under way; undefined when no worker answers in time. */
export async function ask(handle: WorkflowHandle<typeof exportAudience>): Promise<Progress | undefined> {
  const { connection } = handle.client;
  try {
    return await connection.withDeadline(Date.now() + 5_000, async () => {
      const progress = await handle.query(progressQuery);
      if (progress.phase !== 'members') return progress;
      return withPagesUnderWay(progress, (await handle.describe()).raw);
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    return undefined;
  }
}

const heartbeat = z.object({
  updated: z.number(),
  unchanged: z.number(),
  unknown_uid: z.number(),
  failed: z.number(),
});

/** A run counts whole pages; what their activities have done by now stands in their heartbeats. */
function withPagesUnderWay(
  progress: Progress,
  { pendingActivities }: WorkflowExecutionDescription['raw'],
): Progress {
  const beats = (pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const data = heartbeatDetails?.payloads?.[0]?.data;
    const read = data && heartbeat.safeParse(parseJson(Buffer.from(data).toString()));
    return read?.success ? [read.data] : [];
  });
  const underWay = beats.reduce(
    (sum, beat) => sum + beat.updated + beat.unchanged + beat.unknown_uid + beat.failed,
    0,
  );
  const seen = progress.seen + underWay;
  const elapsed = Math.max(1, (Date.now() - Date.parse(progress.started)) / 1000);
  const rate = (progress.counts.members + progress.counts.left + underWay) / elapsed;
  const open = progress.total === null ? null : Math.max(0, progress.total - seen);
  const isTold = open !== null && rate > 0 && progress.state === 'running';
  return { ...progress, seen, rate: Math.round(rate), seconds_left: isTold ? Math.ceil(open / rate) : null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function outcomeOf(handle: WorkflowHandle<typeof exportAudience>): Promise<Outcome> {
  try {
    return { summary: await handle.result() };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { failure: reasonOf(error) };
  }
}

function report(workflowId: string, outcome: Outcome, last: Progress | undefined, output: Output): number {
  if ('summary' in outcome) {
    const { summary } = outcome;
    print(output, { workflow_id: workflowId, state: 'completed', ...summary }, () => describe(summary));
    return EXIT.ok;
  }
  const { type, message } = outcome.failure;
  const value = {
    workflow_id: workflowId,
    state: 'failed',
    failure: outcome.failure,
    counts: last?.counts ?? null,
  };
  print(output, value, () => (last && last.counts.members > 0 ? countsTable(last.counts) : ''));
  tell(`The run failed (${type}): ${message}`);
  return EXIT.refused;
}

function describe(summary: Summary): string {
  const lines = [countsTable(summary.counts, { isDryRun: summary.dry_run })];
  for (const [reason, count] of Object.entries(summary.failures))
    lines.push(`  ${figure(count)} failed with ${reason}`);
  if (summary.in_gigya !== null) {
    lines.push(`${figure(summary.in_gigya)} users in Gigya carry "${summary.audience.label}" now.`);
  }
  for (const warning of summary.warnings) lines.push(`! ${warning}`);
  lines.push(`${summary.dry_run ? 'Previewed' : 'Completed'} in ${seconds(summary.seconds)}.`);
  return lines.join('\n');
}

interface View {
  show(progress: Progress): void;
  stop(): void;
}

function barView(): View {
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | {value}/{total} users | {rate}/s | {note}', hideCursor: true, fps: 5 },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(progress) {
      const total = Math.max(progress.total ?? 0, progress.seen);
      const payload = { rate: figure(progress.rate), note: noteOn(progress) };
      if (!isStarted) bar.start(total, progress.seen, payload);
      isStarted = true;
      bar.setTotal(total);
      bar.update(progress.seen, payload);
    },
    stop: () => bar.stop(),
  };
}

function lineView(): View {
  let shown = '';
  let shownAt = 0;
  return {
    show(progress) {
      const total = progress.total === null ? '' : ` of ${figure(progress.total)}`;
      const line = `${figure(progress.seen)}${total} users, ${noteOn(progress)}`;
      if (line === shown || Date.now() - shownAt < LINE_INTERVAL_MS) return;
      shown = line;
      shownAt = Date.now();
      process.stdout.write(`${line}\n`);
    },
    stop: () => {},
  };
}

function noteOn({ state, phase, paused, reason, seconds_left, scan }: Progress): string {
  if (paused) return `paused${paused.note ? `: ${paused.note}` : ''}`;
  if (reason && state !== 'completed') return reason;
  if (phase === 'preflight') return 'checking credentials, audience and field';
  if (phase === 'settling') return "waiting for Gigya's index";
  const left = seconds_left === null ? state : `${seconds(seconds_left)} left`;
  return scan > 1 ? `${left}, scan ${scan}` : left;
}
