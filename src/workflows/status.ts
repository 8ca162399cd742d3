import { setCurrentDetails } from '@temporalio/workflow';
import type { WrittenPage } from '../activities/checkpoint.ts';
import type { Trouble } from '../activities/trouble.ts';
import type { JobDocument } from '../job.ts';
import { PAGE_SECONDS, PAGES_AT_ONCE, RATE_SECONDS } from '../tuning.ts';
import { detailsOf } from './details.ts';
import { isWrittenPage } from './failures.ts';
import type { Phase, Progress, State } from './messages.ts';
import type { Run } from './run.ts';

/** The status of a run, for the query `progress` and the view in the Web UI. */
export class Status {
  readonly #run: Run;
  readonly #document: unknown;
  readonly #reasons = new Map<string, { text: string; blockedAt: number | null }>();
  readonly #written = new Map<string, WrittenPage>();
  #marks: { at: number; handled: number }[] = [];
  #end: { state: State; reason: string | null } | undefined;
  #inGigya: number | null = null;
  phase: Phase;
  /** When a page last finished, or a step began, in ms. */
  movedAt = Date.now();
  /** Pages being fetched or written. */
  inFlight = 0;
  /** When the present quiet hours end, in ms. */
  sleepingUntil: number | null = null;

  constructor(run: Run, document: JobDocument) {
    this.#run = run;
    this.#document = unwrap(document);
    this.phase = run.plan ? 'members' : 'preflight';
    this.mark();
  }

  get job(): string {
    return this.#run.plan?.job.name ?? textAt(this.#document, 'name') ?? 'a job without a name';
  }

  get audience(): string {
    return this.#run.plan?.audience.slug ?? textAt(configOf(this.#document), 'segment_id') ?? '';
  }

  /** Records why an activity waits or retries; null when it continues. */
  report({ activity, reason, is_blocked = false, written }: Trouble): void {
    if (isWrittenPage(written)) this.#written.set(activity, written);
    const wasBlocked = this.#isBlocked;
    // Entered anew: of several activities' reasons, the newest is shown.
    this.#reasons.delete(activity);
    if (reason !== null) {
      this.#reasons.set(activity, { text: reason, blockedAt: is_blocked ? Date.now() : null });
      this.#run.lastTrouble = { at: new Date().toISOString(), message: reason };
    }
    // The rate does not include an outage.
    if (wasBlocked && !this.#isBlocked) this.#marks = [{ at: Date.now(), handled: this.#handled }];
    this.refresh();
  }

  /** What failed attempts of a page had written. */
  writtenBy(activity: string): WrittenPage | undefined {
    return this.#written.get(activity);
  }

  show(phase: Phase): void {
    this.phase = phase;
    this.movedAt = Date.now();
    this.refresh();
  }

  /** Records when outcomes became known, to measure the rate. */
  mark(): void {
    const now = Date.now();
    this.movedAt = now;
    this.#marks.push({ at: now, handled: this.#handled });
    const recent = this.#marks.filter(({ at }) => at >= now - RATE_SECONDS * 1000);
    // With fewer than two marks in the minute, the last one before it is its start.
    const before = this.#marks.length - recent.length - 1;
    this.#marks = recent.length < 2 && before >= 0 ? this.#marks.slice(before) : recent;
    this.refresh();
  }

  /** Excludes time spent paused or waiting from the rate. */
  restartRate(): void {
    this.#marks = [];
    this.mark();
  }

  complete(inGigya: number | null): void {
    this.#inGigya = inGigya;
    this.#finish('completed', null);
  }

  fail(state: 'failed' | 'cancelled', reason: string): void {
    this.#finish(state, reason);
  }

  progress(): Progress {
    const { counts, scan, plan, leavers } = this.#run;
    const paused = this.#end ? null : this.#run.paused;
    const sleeping = this.#sleeping;
    const total = this.#run.total ?? plan?.audience.size ?? null;
    // A query sees the time of the last event, so without any event the rate would not fall.
    const rate = this.#isBlocked ? 0 : this.#rate();
    const open = total === null ? null : Math.max(0, total - scan.counted);
    const isMoving = this.#state === 'running' && (this.phase === 'members' || this.phase === 'rows');
    const approval = leavers.approval;
    return {
      state: this.#state,
      phase: this.phase,
      started: new Date(this.#run.startedAt).toISOString(),
      job: this.job,
      audience: this.audience,
      storage: plan?.job.config.target_storage ?? '',
      dry_run: plan?.job.config.dry_run ?? false,
      counts,
      total,
      seen: scan.counted,
      scan: scan.number,
      rate: isMoving ? Math.round(rate * 10) / 10 : 0,
      seconds_left: isMoving && open !== null && rate > 0 ? Math.ceil(open / rate) : null,
      paused: paused && { since: new Date(paused.since).toISOString(), note: paused.note },
      sleeping,
      approval:
        this.phase === 'approval' && approval
          ? {
              removals: leavers.removals,
              carriers: leavers.carriers,
              until: new Date(approval.until).toISOString(),
            }
          : null,
      reason: this.#reason,
      last_trouble: this.#run.lastTrouble,
      in_gigya: this.#inGigya,
      warnings: [...(plan?.warnings ?? []), ...this.#run.warnings],
    };
  }

  refresh(): void {
    try {
      setCurrentDetails(detailsOf(this.progress()));
    } catch {
      // An error in the view must not fail the run.
    }
  }

  get #state(): State {
    if (this.#end) return this.#end.state;
    if (this.#run.paused) return this.inFlight > 0 ? 'pausing' : 'paused';
    return this.sleepingUntil === null ? 'running' : 'sleeping';
  }

  get #sleeping(): Progress['sleeping'] {
    if (this.#end || this.sleepingUntil === null) return null;
    return { until: new Date(this.sleepingUntil).toISOString() };
  }

  get #reason(): string | null {
    if (this.#end) return this.#end.reason;
    const trouble = [...this.#reasons.values()].at(-1);
    if (trouble !== undefined) return trouble.text;
    const { until } = this.#sleeping ?? {};
    return until === undefined ? null : `Quiet hours until ${until.slice(0, 16).replace('T', ' ')} UTC`;
  }

  /** Whether an activity has reported that no call succeeds, and no page has finished since. */
  get #isBlocked(): boolean {
    return [...this.#reasons.values()].some(
      ({ blockedAt }) => blockedAt !== null && blockedAt >= this.movedAt,
    );
  }

  get #handled(): number {
    return this.#run.counts.members + this.#run.counts.left;
  }

  #rate(): number {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || !last) return 0;
    // Pages in flight share the quota. Beyond their time, time without outcomes lowers the rate.
    const until = Math.max(last.at, Date.now() - PAGES_AT_ONCE * PAGE_SECONDS * 1000);
    if (until <= first.at || until - last.at > RATE_SECONDS * 1000) return 0;
    return (last.handled - first.handled) / ((until - first.at) / 1000);
  }

  #finish(state: State, reason: string | null): void {
    this.#end = { state, reason };
    this.show('done');
  }
}

// Before preflight has parsed it, the document can be any value: a job, or Lytics' reply that contains one.
function unwrap(document: unknown): unknown {
  return typeof document === 'object' && document !== null && 'data' in document ? document.data : document;
}

function configOf(document: unknown): unknown {
  return typeof document === 'object' && document !== null && 'config' in document
    ? document.config
    : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === 'string' ? found.slice(0, 200) : undefined;
}
