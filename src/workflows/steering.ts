import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { JobDocument } from '../job.ts';
import { alert, watchForStall } from './alerts.ts';
import { detailsOf } from './details.ts';
import {
  type Phase,
  type Progress,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  type State,
  troubleSignal,
} from './messages.ts';
import type { Run, Summary } from './run.ts';

/** How a person sees and steers the run. */
export interface Steering {
  /** Resolves at once, or when a paused run is resumed. */
  mayGoOn(): Promise<void>;
  show(phase: Phase): void;
  complete(summary: Summary): void;
  /** Shows why the run ends, and alerts; continuing as new and being cancelled are nobody's alarm. */
  fail(error: unknown): Promise<void>;
}

/** Until the worker's setting is known. */
const ALERT_AFTER_SECONDS = 1800;

export function steer(run: Run, document: JobDocument): Steering {
  let state: State = 'running';
  let phase: Phase = run.plan ? 'members' : 'preflight';
  let trouble: string | null = null;
  let inGigya: number | null = null;
  let shownAt = Date.now();

  function progress(): Progress {
    const { counts, sweep, paused, plan } = run;
    const total = run.total ?? plan?.audience.size ?? null;
    const seconds = Math.max(1, (shownAt - run.startedAt) / 1000);
    const rate = (counts.members + counts.left) / seconds;
    const open = total === null ? null : Math.max(0, total - sweep.counted);
    const isUnderWay = state === 'running' && phase === 'members' && !paused;
    return {
      state: paused && state === 'running' ? 'paused' : state,
      phase,
      started: new Date(run.startedAt).toISOString(),
      job: nameOf(document),
      audience: plan?.audience.slug ?? segmentOf(document),
      storage: plan?.job.config.target_storage ?? '',
      dry_run: plan?.job.config.dry_run ?? false,
      counts,
      total,
      seen: sweep.counted,
      scan: sweep.number,
      rate: Math.round(rate * 10) / 10,
      seconds_left: isUnderWay && open !== null && rate > 0 ? Math.ceil(open / rate) : null,
      paused: paused && { since: new Date(paused.since).toISOString(), note: paused.note },
      approval: null,
      reason: trouble,
      last_trouble: run.lastTrouble,
      in_gigya: inGigya,
      warnings: [...(plan?.warnings ?? []), ...run.warnings],
    };
  }

  function refresh(): void {
    shownAt = Date.now();
    setCurrentDetails(detailsOf(progress()));
  }

  setHandler(progressQuery, progress);
  setHandler(
    pauseUpdate,
    (note) => {
      run.paused = { since: Date.now(), note: note ?? '' };
      refresh();
      return 'The run pauses at the next page';
    },
    {
      validator: (note) => {
        if (note !== undefined && typeof note !== 'string') refuse('The note has to be a text');
        if (run.paused)
          refuse(`The run is paused already, since ${new Date(run.paused.since).toISOString()}`);
        if (phase === 'settling' || phase === 'done') refuse('The run has written its last page already');
      },
    },
  );
  setHandler(
    resumeUpdate,
    () => {
      run.paused = null;
      refresh();
      return 'The run goes on';
    },
    {
      validator: () => {
        if (!run.paused) refuse('The run is not paused');
      },
    },
  );
  setHandler(troubleSignal, (message) => {
    trouble = message;
    if (message !== null) run.lastTrouble = { at: new Date().toISOString(), message };
    refresh();
  });
  refresh();
  if (!run.plan) log.info('The run begins', { job: nameOf(document), audience: segmentOf(document) });
  const watch = new CancellationScope();
  watch
    .run(() => watchForStall(() => run.plan?.alert_after_seconds ?? ALERT_AFTER_SECONDS, progress))
    .catch(() => {});

  return {
    mayGoOn: () => condition(() => run.paused === null),
    show(next) {
      phase = next;
      trouble = null;
      refresh();
    },
    complete(summary) {
      watch.cancel();
      state = 'completed';
      phase = 'done';
      inGigya = summary.in_gigya;
      refresh();
      const { job, counts, failures, seconds, warnings } = summary;
      log.info('The run completed', { job, counts, failures, seconds, warnings });
    },
    async fail(error) {
      watch.cancel();
      if (error instanceof ContinueAsNew) return;
      const { reason, type } = reasonOf(error);
      state = 'failed';
      phase = 'done';
      trouble = isCancellation(error) ? 'The run was cancelled' : reason;
      refresh();
      log.warn('The run failed', { job: nameOf(document), counts: run.counts, type, reason: trouble });
      if (!isCancellation(error)) await alert(type === 'Guard' ? 'guarded' : 'failed', reason, progress());
    },
  };
}

function refuse(reason: string): never {
  throw ApplicationFailure.nonRetryable(reason, 'Refused');
}

function reasonOf(error: unknown): { reason: string; type: string } {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
  return { reason: cause instanceof Error ? cause.message : String(cause), type };
}

// Until preflight has read it, the document is whatever somebody sent.
function nameOf(document: unknown): string {
  return textAt(document, 'name') ?? 'a job without a name';
}

function segmentOf(document: unknown): string {
  const config =
    typeof document === 'object' && document !== null && 'config' in document ? document.config : undefined;
  return textAt(config, 'segment_id') ?? '';
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === 'string' ? found.slice(0, 200) : undefined;
}
