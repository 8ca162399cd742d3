import type { Metrics } from '../metrics.ts';
import type { Connections } from './connections.ts';
import { createCountInGigya } from './countInGigya.ts';
import { createFetchMembership } from './fetchMembership.ts';
import { createPreflight } from './preflight.ts';
import { createQuestions } from './questions.ts';
import { createSendAlert } from './sendAlert.ts';
import { createUpdateGigya } from './updateGigya.ts';

export interface ActivitiesOptions {
  connections: Connections;
  authorizationsFile: string;
  metrics?: Metrics;
  /** Where alerts are posted to; without it there are none. */
  alertWebhook?: string | undefined;
  /** After how long without a finished page a run counts as stalled, in seconds. @default 1800 */
  alertAfterSeconds?: number;
}

/** The activities of a worker, by the names that histories know them under. */
export function createActivities(options: ActivitiesOptions) {
  const { connections, authorizationsFile, metrics, alertWebhook, alertAfterSeconds = 1800 } = options;
  const fetchMembership = createFetchMembership(connections);
  const updateGigya = createUpdateGigya(connections);
  return {
    preflight: createPreflight(connections, alertAfterSeconds),
    async fetchMembership(...args: Parameters<typeof fetchMembership>) {
      const since = performance.now();
      const page = await fetchMembership(...args);
      metrics?.page('fetchMembership', performance.now() - since);
      const failed = Object.values(page.failures).reduce((sum, count) => sum + count, 0);
      metrics?.users({ members: page.count, no_gigya_id: page.no_gigya_id, failed });
      return page;
    },
    async updateGigya(...args: Parameters<typeof updateGigya>) {
      const since = performance.now();
      const written = await updateGigya(...args);
      const { updated, unchanged, unknown_uid, failed } = written;
      metrics?.page('updateGigya', performance.now() - since);
      metrics?.users({ updated, unchanged, unknown_uid, failed });
      return written;
    },
    countInGigya: createCountInGigya(connections),
    sendAlert: createSendAlert(alertWebhook),
    ...createQuestions(connections, authorizationsFile),
  };
}

export type Activities = ReturnType<typeof createActivities>;
