import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { FINAL_FAILURES } from '../names.ts';

/** The activities of a run. */
export const activities = proxyActivities<Activities>({
  // A killed worker's page waits for the heartbeat timeout and the first interval.
  heartbeatTimeout: '10 s',
  startToCloseTimeout: '10 minutes',
  // A page that makes no progress for so long is given up.
  scheduleToCloseTimeout: '10 hours',
  // Left out, this is not the documented default but TRY_CANCEL, which waits for nothing.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    maximumInterval: '10 minutes',
    nonRetryableErrorTypes: [...FINAL_FAILURES],
  },
});
