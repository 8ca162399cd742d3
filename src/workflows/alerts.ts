import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Alert } from '../activities/sendAlert.ts';
import type { Progress } from './messages.ts';

const { sendAlert } = proxyActivities<Pick<Activities, 'sendAlert'>>({
  startToCloseTimeout: '20 s',
  // A webhook that is down must not keep a run from ending.
  scheduleToCloseTimeout: '1 minute',
  retry: { initialInterval: '2 s', maximumAttempts: 4 },
});

/** Alerts whoever is on call; a webhook that does not accept it is no reason to fail. */
export async function alert(state: Alert['state'], reason: string, progress: Progress): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  const { job, audience, counts } = progress;
  const message: Alert = { state, job, audience, reason, workflow_id: workflowId, run_id: runId, counts };
  await CancellationScope.nonCancellable(async () => {
    await sendAlert.executeWithOptions({ summary: `alert: ${state}` }, [message]).catch(() => undefined);
  });
}

/**
 * Alerts when no page finishes for this long, and again when one does. Ends with the scope that it runs in.
 *
 * @param seconds The worker's setting; it is known once preflight has run.
 */
export async function watchForStall(seconds: () => number, progress: () => Progress): Promise<void> {
  const marks = () => {
    const { phase, counts, state } = progress();
    return JSON.stringify([phase, counts, state, seconds()]);
  };
  for (;;) {
    const before = marks();
    const moved = () => marks() !== before;
    if (!mayStall(progress())) {
      await condition(moved);
      continue;
    }
    const limit = seconds();
    if (await condition(moved, limit * 1000, { summary: 'alert if nothing moves' })) continue;
    const stalled = progress();
    await alert('stalled', stalled.reason ?? `No page finished within ${limit} s`, stalled);
    await condition(moved);
    await alert('recovered', 'The run continues', progress());
  }
}

/** A run that waits for a person, or for Gigya's index, does not stall. */
function mayStall({ state, phase }: Progress): boolean {
  return state === 'running' && phase !== 'approval' && phase !== 'settling';
}
