import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Alert } from '../activities/sendAlert.ts';
import { questionsQueue } from '../names.ts';
import type { Progress } from './messages.ts';

const { sendAlert } = proxyActivities<Pick<Activities, 'sendAlert'>>({
  startToCloseTimeout: '20 s',
  // A webhook that is down must not keep a run from ending.
  scheduleToCloseTimeout: '1 minute',
  retry: { initialInterval: '2 s', maximumAttempts: 4 },
});

/** Alerts the person on call; a webhook that does not accept it does not fail the run. */
export async function alert(state: Alert['state'], reason: string, progress: Progress): Promise<void> {
  const { workflowId, runId, taskQueue } = workflowInfo();
  const options = { summary: `alert: ${state}`, taskQueue: questionsQueue(taskQueue) };
  const { job, audience, counts } = progress;
  const message: Alert = { state, job, audience, reason, workflow_id: workflowId, run_id: runId, counts };
  await CancellationScope.nonCancellable(async () => {
    await sendAlert.executeWithOptions(options, [message]).catch(() => undefined);
  });
}

/** What the stall watch reads. */
export interface Watched {
  /** Alert after this time without a finished page; the worker's setting, known after preflight. */
  limitSeconds(): number;
  /** When a page last finished, or a step began, in ms. */
  movedAt(): number;
  progress(): Progress;
}

/** Alerts when no page finishes for too long, and again when one does. Ends with its cancellation scope. */
export async function watchForStall({ limitSeconds, movedAt, progress }: Watched): Promise<void> {
  for (;;) {
    await condition(() => mayStall(progress()));
    const limit = limitSeconds();
    const left = movedAt() + limit * 1000 - Date.now();
    if (left > 0) {
      // One timer for many pages: it is restarted with the remaining time only when it fires.
      const isOff = () => limitSeconds() !== limit || !mayStall(progress());
      await condition(isOff, left, { summary: 'alert if no page finishes' });
      continue;
    }
    const stalled = progress();
    await alert('stalled', stalled.reason ?? `No page finished within ${limit} s`, stalled);
    const before = movedAt();
    await condition(() => movedAt() !== before);
    await alert('recovered', 'The run continues', progress());
  }
}

/** A run that waits for a person, or for Gigya's index, does not stall. */
function mayStall({ state, phase }: Progress): boolean {
  return state === 'running' && phase !== 'approval' && phase !== 'settling';
}
