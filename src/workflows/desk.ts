import {
  CancellationScope,
  ContinueAsNew,
  condition,
  isCancellation,
  log,
  upsertMemo,
} from '@temporalio/workflow';
import type { WrittenPage } from '../activities/checkpoint.ts';
import type { JobDocument } from '../job.ts';
import { ALERT_AFTER_SECONDS } from '../tuning.ts';
import { alert, type Watched, watchForStall } from './alerts.ts';
import { registerControls } from './controls.ts';
import { reasonOf } from './failures.ts';
import type { Phase } from './messages.ts';
import { quietNow } from './quiet.ts';
import type { Run, Summary } from './run.ts';
import { Status } from './status.ts';

/** The run's status, controls and alerts. */
export class Desk {
  readonly #run: Run;
  readonly #status: Status;
  readonly #watch = new CancellationScope();

  constructor(run: Run, document: JobDocument) {
    this.#run = run;
    this.#status = new Status(run, document);
    registerControls(run, this.#status);
    const { job, audience } = this.#status;
    if (!run.plan) {
      upsertMemo({ job, audience });
      log.info('The run starts', { job, audience });
    }
    const watched: Watched = {
      // Until the worker's setting is known, its default.
      limitSeconds: () => run.plan?.alert_after_seconds ?? ALERT_AFTER_SECONDS,
      movedAt: () => this.#status.movedAt,
      progress: () => this.#status.progress(),
    };
    this.#watch.run(() => watchForStall(watched)).catch(() => {});
  }

  /**
   * Resolves at once, or when a paused run is resumed and the quiet hours are over.
   *
   * @param settle Waits for the pages in flight: they finish before the run sleeps, and a failure ends the run.
   */
  async mayGoOn(settle: () => Promise<void> = async () => {}): Promise<void> {
    for (;;) {
      await this.resumed();
      if ((await quietNow(this.#run)) === undefined) return;
      await settle();
      const until = await quietNow(this.#run);
      if (until !== undefined) await this.#sleep(until);
    }
  }

  /** Resolves at once, or when a paused run is resumed. */
  resumed(): Promise<void> {
    return condition(() => this.#run.paused === null);
  }

  /** Ends early when the run is paused: it then waits for a person instead. */
  async #sleep(until: number): Promise<void> {
    this.#status.sleepingUntil = until;
    this.#status.refresh();
    const wait = Math.max(1, until - Date.now());
    await condition(() => this.#run.paused !== null, wait, { summary: 'quiet hours' });
    this.#status.sleepingUntil = null;
    this.#status.restartRate();
  }

  show(phase: Phase): void {
    this.#status.show(phase);
  }

  /** Does part of a page's work, which counts as in flight. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#status.inFlight++;
    try {
      return await work();
    } finally {
      this.#status.inFlight--;
      this.#status.refresh();
    }
  }

  /** What failed attempts of a page had written. */
  writtenBy(activity: string): WrittenPage | undefined {
    return this.#status.writtenBy(activity);
  }

  /** Updates the status after new outcomes. */
  moved(): void {
    this.#status.mark();
  }

  /** Shows that the guard holds the run, and alerts. */
  async askForApproval(reason: string): Promise<void> {
    this.#status.show('approval');
    log.warn('The run waits for approval', { job: this.#status.job, reason });
    await alert('guarded', reason, this.#status.progress());
  }

  complete(summary: Summary): void {
    this.#watch.cancel();
    this.#status.complete(summary.in_gigya);
    const { job, counts, failures, seconds, warnings } = summary;
    log.info('The run completed', { job, counts, failures, seconds, warnings });
  }

  /** Shows why the run ends, and alerts, except when the run continues as new or was cancelled. */
  async fail(error: unknown): Promise<void> {
    this.#watch.cancel();
    if (error instanceof ContinueAsNew) return;
    const { job } = this.#status;
    const { counts } = this.#run;
    if (isCancellation(error)) {
      this.#status.fail('cancelled', 'The run was cancelled');
      log.warn('The run was cancelled', { job, counts });
      return;
    }
    const { reason, type } = reasonOf(error);
    this.#status.fail('failed', reason);
    log.warn('The run failed', { job, counts, type, reason });
    await alert('failed', reason, this.#status.progress());
  }
}
