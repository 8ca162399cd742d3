import { ApplicationFailure, condition } from '@temporalio/workflow';
import type { LeaversPage } from '../activities/fetchLeavers.ts';
import { FRESH_MINUTES, LEAVER_RESTARTS } from '../tuning.ts';
import { activities } from './activities.ts';
import { addCalls } from './estimate.ts';
import { isSealBroken } from './failures.ts';
import { guardReason } from './guard.ts';
import { hold } from './hold.ts';
import { continueAsNewIfLong, type Pumped, pump, type Source, type Step } from './pump.ts';
import { type Decision, type Leavers, NOBODY_FOUND, warn } from './run.ts';

const HOUR_MS = 3_600_000;

/**
 * Corrects users who carry the audience in Gigya and are no longer members. Nobody is corrected before all of
 * them are found (or no more can be held) and the guard has accepted their number.
 */
export async function correctLeavers(step: Step): Promise<void> {
  const { run, plan, desk } = step;
  const { leavers } = run;
  if (plan.audience.label === undefined) return;
  while (leavers.step !== 'done') {
    desk.show('leavers');
    try {
      if (leavers.step === 'search') await findLeavers(step);
      if (leavers.step === 'decide') await passGuard(step);
      desk.show('leavers');
      await pump(new HeldLeavers(step), step);
    } catch (error) {
      if (!isSealBroken(error)) throw error;
      warn(run, 'The Gigya secret changed while leavers were held; they were searched for again');
      searchAgain(leavers);
      continue;
    }
    if (leavers.isPartial && !plan.job.config.dry_run) {
      Object.assign(leavers, NOBODY_FOUND, { step: 'search' });
      continue;
    }
    // A preview writes nothing, so that another search would find the same users again.
    if (leavers.isPartial) {
      warn(
        run,
        'More users left than a preview can hold; it does not list all of them, and cannot be applied',
      );
    }
    leavers.step = 'done';
  }
}

/** Reads everybody who carries the audience in Gigya, and holds the records of those who left. */
async function findLeavers(step: Step): Promise<void> {
  const { run, plan, desk } = step;
  const { leavers } = run;
  for (;;) {
    await desk.mayGoOn();
    await continueAsNewIfLong(step);
    const summary = `carriers from ${figure(leavers.carriers + 1)}`;
    const { cursor, missing } = leavers;
    const input = { plan, cursor, missing };
    const page = await desk.during(() => activities.fetchLeavers.executeWithOptions({ summary }, [input]));
    addCalls(run, page.calls);
    if (page.unproven !== null) {
      warn(run, `Users who left the audience were not corrected: ${page.unproven}`);
      leavers.step = 'done';
      return;
    }
    if (page.expired) {
      searchAgain(leavers);
      continue;
    }
    hold(leavers, page);
    if (page.next !== null) continue;
    if (leavers.silent > 0) {
      const users = figure(leavers.silent);
      warn(
        run,
        `Lytics says nothing about ${users} users who carry the audience; they keep what they have in Gigya`,
      );
    }
    leavers.foundAt = Date.now();
    leavers.step = 'decide';
    return;
  }
}

/** Discards the leavers found so far, which are incomplete or can no longer be opened, and restarts the search. */
function searchAgain(leavers: Leavers): void {
  const restarts = leavers.restarts + 1;
  if (restarts > LEAVER_RESTARTS) {
    throw ApplicationFailure.nonRetryable(
      "Gigya's search cursor keeps expiring before all users who carry the audience are read (or the secret keeps changing); raise limits.searches_per_second of the Gigya authorization",
      'Configuration',
    );
  }
  Object.assign(leavers, NOBODY_FOUND, { restarts, step: 'search' });
}

/**
 * Compares the number of leavers with the guard's limit, and waits for approval above it.
 *
 * @param members Members of the audience. @default those that this run counted
 */
export async function passGuard(step: Step, members = step.run.counts.members): Promise<void> {
  const { run, plan } = step;
  const { leavers } = run;
  const { max_removals, dry_run } = plan.job.config;
  const reason = guardReason(max_removals, { ...leavers, members });
  if (reason !== undefined && dry_run) warn(run, `A run would wait for approval: ${reason}`);
  else if (reason !== undefined && leavers.removals > leavers.approved) {
    await untilApproved(step, reason);
    leavers.approved = leavers.removals;
  }
  leavers.step = 'write';
}

async function untilApproved({ run, plan, desk }: Step, reason: string): Promise<void> {
  const { leavers } = run;
  const { approval_hours } = plan.job.config;
  const pending = leavers.approval?.answer === null ? leavers.approval : undefined;
  const approval: Decision = pending ?? { until: Date.now() + approval_hours * HOUR_MS, answer: null };
  leavers.approval = approval;
  if (pending) desk.show('approval');
  else await desk.askForApproval(reason);
  const wait = Math.max(1, approval.until - Date.now());
  await condition(() => approval.answer !== null, wait, { summary: 'wait for approval' });
  if (isApproved(approval)) return;
  const how = approval.answer === null ? `was not approved within ${approval_hours} hours` : 'was refused';
  throw ApplicationFailure.nonRetryable(
    `The removal ${how}, and nobody was corrected: ${reason}. If the number is right, approve it in the next run, or raise config.max_removals`,
    'Guard',
  );
}

const isApproved = ({ answer }: Decision) => answer === 'approved';

/** The leavers that are held. Those found more than a few minutes ago are compared with Lytics again. */
class HeldLeavers implements Source {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  async next(): Promise<Pumped | null> {
    const { leavers } = this.#step.run;
    const [held, ...others] = leavers.pages;
    if (!held) return null;
    const { page, left } = held;
    const found = this.#isFresh
      ? { page, counts: { left }, failures: {}, next: null, expired: false }
      : await this.#compareAgain(page);
    leavers.pages = others;
    leavers.approved -= left;
    return pumped(found);
  }

  get #isFresh(): boolean {
    const { approval, foundAt } = this.#step.run.leavers;
    return approval === null && Date.now() - foundAt <= FRESH_MINUTES * 60_000;
  }

  #compareAgain(again: string): Promise<LeaversPage> {
    const input = { plan: this.#step.plan, cursor: null, missing: null, again };
    return activities.fetchLeavers.executeWithOptions({ summary: 'compare again' }, [input]);
  }
}

function pumped(page: Pumped['page']): Pumped {
  return { page, rows: 0, isSettled: true, summary: `${figure(page.counts.left ?? 0)} who left` };
}

const figure = (value: number) => value.toLocaleString('en-US');
