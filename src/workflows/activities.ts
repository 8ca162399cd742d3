import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { FINAL_FAILURES } from '../names.ts';

/** The activities of a run. */
export const activities = proxyActivities<Activities>({
  // The page of a killed worker continues after the heartbeat timeout and the first interval.
  heartbeatTimeout: '10 s',
  startToCloseTimeout: '10 minutes',
  // A page that is not done after this time fails the run.
  scheduleToCloseTimeout: '10 hours',
  // Eager dispatch keeps a run's pages on the worker that has its workflow: jobs would share two workers as 2:1:1.
  allowEagerDispatch: false,
  // When omitted, this is not the documented default but TRY_CANCEL, which does not wait.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    maximumInterval: '10 minutes',
    nonRetryableErrorTypes: [...FINAL_FAILURES],
  },
});
