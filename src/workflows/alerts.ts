import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Alert } from '../activities/sendAlert.ts';
import { questionsQueue } from '../names.ts';
import type { Progress } from './messages.ts';

const { sendAlert } = proxyActivities<Pick<Activities, 'sendAlert'>>({
  startToCloseTimeout: '20 s',
  // A webhook that is away must not keep a run from ending.
  scheduleToCloseTimeout: '1 minute',
  retry: { initialInterval: '2 s', maximumAttempts: 4 },
});

/** Tells whoever is on call; a webhook that does not take it is no reason to fail. */
export async function alert(state: Alert['state'], reason: string, progress: Progress): Promise<void> {
  const { workflowId, runId, taskQueue } = workflowInfo();
  const options = { summary: state, taskQueue: questionsQueue(taskQueue) };
  const { job, audience, counts } = progress;
  const message: Alert = { state, job, audience, reason, workflow_id: workflowId, run_id: runId, counts };
  await CancellationScope.nonCancellable(async () => {
    await sendAlert.executeWithOptions(options, [message]).catch(() => undefined);
  });
}

/**
 * Alerts, once, when no page was finished for so long. Ends with the scope that it runs in.
 *
 * @param seconds Read anew each time: it is the worker's setting, which the preflight brings.
 */
export async function watchForStall(seconds: () => number, progress: () => Progress): Promise<void> {
  let finished = '';
  for (;;) {
    const limit = seconds();
    // What was waited under another setting counts for nothing.
    if (await condition(() => seconds() !== limit, limit * 1000, { summary: 'alert if nothing moves' }))
      continue;
    const now = progress();
    const marks = JSON.stringify([now.phase, now.counts, now.paused]);
    if (marks === finished && !now.paused) {
      await alert('stalled', now.reason ?? `No page was finished within ${limit} s`, now);
      return;
    }
    finished = marks;
  }
}
