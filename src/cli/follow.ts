import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failures } from '../counts.ts';
import type { Progress } from '../workflows/messages.ts';
import type { Summary } from '../workflows/run.ts';
import { commandLine } from './commandLine.ts';
import type { Temporal } from './connect.ts';
import { EXIT, Unreachable } from './errors.ts';
import { INTERRUPTED, onInterrupt } from './interrupt.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { countLines, figure, type Output, plural, print, tell, troubleLines } from './print.ts';
import { progressOf } from './runs.ts';
import { durationOf } from './times.ts';
import { createView } from './views.ts';

/** How often the run is queried: each answer costs the worker a moment, and no history. */
const INTERVAL_MS = 500;
const NO_ANSWER_MS = 30_000;

/** The run that is followed. */
export interface Followed {
  workflowId: string;
  runId: string;
  /** What to type for its job. */
  slug: string;
  timezone: string;
  /** What the job's writes do with Gigya's webhooks; unknown of a run without a readable document. */
  webhooks: 'fired' | 'muted' | 'none' | 'unknown';
}

/** How a run ended. */
export interface RunEnd {
  outcome: Outcome;
  /** What the run last reported. */
  last: Progress | undefined;
}

/** Follows a run to its end, and reports it. @returns The exit code. */
export async function follow(temporal: Temporal, run: Followed, output: Output): Promise<number> {
  const end = await followToEnd(temporal, run, output);
  return end ? reportEnd(run, end, output) : EXIT.interrupted;
}

/** Follows a run to its end. @returns Undefined after Ctrl-C. */
export async function followToEnd(
  temporal: Temporal,
  run: Followed,
  output: Output,
): Promise<RunEnd | undefined> {
  let { runId } = run;
  const waiting = new AbortController();
  // Each long poll listens; above ten listeners Node would write a warning into the bar.
  setMaxListeners(0, waiting.signal);
  const ended = outcomeOf(temporal, run, {
    signal: waiting.signal,
    onNext: (next) => {
      runId = next;
    },
  });
  // After Ctrl-C nobody waits for it any more.
  ended.catch(() => {});
  const interruption = onInterrupt();
  const view = createView(output, run);
  let last: Progress | undefined;
  let answeredAt = performance.now();
  try {
    for (;;) {
      const event = await Promise.race([ended, interruption.happened, sleep(INTERVAL_MS)]);
      if (event === INTERRUPTED) return leave(run, output);
      const progress = await Promise.race([
        progressOf(temporal, { workflowId: run.workflowId, runId }),
        interruption.happened,
      ]);
      if (progress === INTERRUPTED) return leave(run, output);
      if (progress) {
        last = progress;
        answeredAt = performance.now();
        view.show(progress);
      }
      if (event) {
        view.stop();
        return { outcome: event, last };
      }
      if (performance.now() - answeredAt > NO_ANSWER_MS) {
        throw new Unreachable(
          `No worker answers for ${run.workflowId}; start one with "npm run worker". The run continues where it stopped`,
        );
      }
    }
  } finally {
    view.stop();
    interruption.release();
    waiting.abort();
  }

  function leave({ slug }: Followed, to: Output): undefined {
    view.stop();
    tell(
      to,
      `The run continues. Follow it again: ${commandLine('follow', slug)}\nStop it for good: ${commandLine('cancel', slug)}`,
    );
    return undefined;
  }
}

/** @returns The exit code. */
export function reportEnd(run: Followed, { outcome, last }: RunEnd, output: Output): number {
  const { workflowId, runId } = run;
  const ids = { workflow_id: workflowId, run_id: runId };
  if ('summary' in outcome) {
    const { summary } = outcome;
    print(output, { ...ids, state: 'completed', ...summary }, () =>
      describeSummary(summary, output, run.webhooks),
    );
    const { failed, stale = 0 } = summary.counts;
    return failed + stale > 0 ? EXIT.failedRecords : EXIT.ok;
  }
  const { failure, done } = outcome;
  const isStopped = failure.type === 'Cancelled' || failure.type === 'Terminated';
  const state = isStopped ? 'cancelled' : 'failed';
  const counts = done?.counts ?? last?.counts ?? null;
  print(output, { ...ids, state, failure, counts, ...(done && { failures: done.failures }) }, () =>
    counts && counts.members + counts.left > 0
      ? [countLines(counts), ...failureLines(done?.failures ?? {})].join('\n')
      : '',
  );
  tell(output, isStopped ? failure.message : `The run failed (${failure.type}): ${failure.message}`);
  return EXIT.refused;
}

function failureLines(failures: Failures): string[] {
  return Object.entries(failures).map(
    ([reason, count]) => `  ${plural(count, 'record')} failed with ${reason}`,
  );
}

export function describeSummary(summary: Summary, output: Output, webhooks: Followed['webhooks']): string {
  const { counts, failures, in_gigya, audience, warnings, dry_run, seconds } = summary;
  const lines = [countLines(counts, { isDryRun: dry_run })];
  lines.push(...failureLines(failures));
  if (in_gigya !== null) lines.push(`${figure(in_gigya)} users in Gigya carry "${audience.label}" now.`);
  for (const warning of warnings) lines.push(troubleLines(warning, output));
  lines.push(
    dry_run
      ? `Preview completed in ${durationOf(seconds)}; nothing was written.`
      : `Completed in ${durationOf(seconds)}.`,
  );
  if (dry_run) lines.push(...webhookLines(counts.updated, webhooks));
  return lines.join('\n');
}

/** What a preview's writes would fire; the Data Store has no such webhooks. */
function webhookLines(writes: number, webhooks: Followed['webhooks']): string[] {
  if (webhooks === 'muted') return ['A run fires no webhooks: they are muted.'];
  if (webhooks !== 'fired' || writes === 0) return [];
  return [`A run fires ${plural(writes, 'webhook')}, one a write; "mute_webhooks": true fires none.`];
}
