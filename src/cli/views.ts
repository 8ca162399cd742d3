import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../workflows/messages.ts';
import { approvalLines } from './approval.ts';
import { figure, type Output, rateText, troubleLines } from './print.ts';
import { phaseText } from './stateText.ts';
import { durationOf } from './times.ts';

/** Without a terminal, lines are printed less often than a bar's frames, and only after changes. */
const LINE_INTERVAL_MS = 2_000;

/** The display of a run while it is followed. */
export interface View {
  show(progress: Progress): void;
  /** Restores the terminal; may be called again. */
  stop(): void;
}

export interface ViewedRun {
  slug: string;
  timezone: string;
}

export function createView(output: Output, run: ViewedRun): View {
  if (output.json) return { show: () => {}, stop: () => {} };
  return output.isAnimated ? barView(output, run) : lineView(output, run);
}

function barView(output: Output, run: ViewedRun): View {
  const bar = new SingleBar(
    {
      format: '{bar} {percentage}% {line}',
      barsize: Math.min(30, Math.max(8, Math.floor(output.width / 5))),
      hideCursor: true,
      fps: 5,
    },
    Presets.shades_classic,
  );
  const trouble = createTrouble(output, run);
  let isStarted = false;
  let isStopped = false;
  return {
    show(progress) {
      const total = Math.max(progress.total ?? 0, progress.seen, 1);
      const parts = [seenOf(progress), rateOf(progress), noteOn(progress)];
      const payload = { line: parts.filter((part) => part !== '').join(' ') };
      const lines = trouble.newLines(progress);
      // What stays is written over the bar, which the next frame draws below it.
      if (lines !== '') process.stdout.write(isStarted ? `\r\u001b[2K${lines}\n` : `${lines}\n`);
      if (isStarted) bar.setTotal(total);
      else bar.start(total, progress.seen, payload);
      isStarted = true;
      bar.update(progress.seen, payload);
    },
    stop() {
      if (isStarted && !isStopped) bar.stop();
      isStopped = true;
    },
  };
}

function lineView(output: Output, run: ViewedRun): View {
  const trouble = createTrouble(output, run);
  let shown = '';
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(progress) {
      const lines = trouble.newLines(progress);
      if (lines !== '') process.stdout.write(`${lines}\n`);
      const users = progress.phase === 'preflight' ? '' : `${seenOf(progress)} users`;
      const line = [users, rateOf(progress), noteOn(progress)].filter((part) => part !== '').join(', ');
      if (line === shown || performance.now() - shownAt < LINE_INTERVAL_MS) return;
      shown = line;
      shownAt = performance.now();
      process.stdout.write(`${line}\n`);
    },
    stop: () => {},
  };
}

/** Prints what a run waits for once, and again when it changes. */
function createTrouble(output: Output, { slug, timezone }: ViewedRun) {
  let told = '';
  return {
    newLines(progress: Progress): string {
      const lines = troubleOf(progress);
      const text = lines.join('\n');
      if (text === told) return '';
      told = text;
      return text;
    },
  };

  function troubleOf({ state, phase, paused, approval, reason }: Progress): string[] {
    if (phase === 'approval' && approval) {
      const [what = '', ...commands] = approvalLines(approval, slug, timezone);
      return [troubleLines(what, output), ...commands];
    }
    if (state === 'paused' || state === 'pausing') {
      return [troubleLines(paused?.note ? `${state}: ${paused.note}` : state, output)];
    }
    // The reason for the end is reported by the caller.
    return reason && phase !== 'done' ? [troubleLines(reason, output)] : [];
  }
}

function seenOf({ seen, total }: Progress): string {
  return total === null ? figure(seen) : `${figure(seen)}/${figure(total)}`;
}

function rateOf({ rate, state }: Progress): string {
  return state === 'running' && rate > 0 ? `${rateText(rate)}/s` : '';
}

function noteOn({ state, phase, seconds_left, scan }: Progress): string {
  if (state !== 'running') return state;
  const left = seconds_left === null ? '' : `${durationOf(seconds_left)} left`;
  const note = phaseText(phase) || left || state;
  return scan > 1 ? `${note}, scan ${scan}` : note;
}
