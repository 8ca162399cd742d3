import { ApplicationFailure } from '@temporalio/common';
import type { Counts } from '../counts.ts';
import { openHttp } from '../http.ts';
import { runAttempt } from './attempt.ts';

/** What somebody has to know, without any user's data. */
export interface Alert {
  state: 'failed' | 'guarded' | 'stalled';
  job: string;
  audience: string;
  reason: string;
  workflow_id: string;
  run_id: string;
  counts: Counts;
}

/**
 * Posts an alert, as JSON with a readable `text`, to the worker's webhook. The address is the
 * worker's setting and never the document's: a document must not make the worker call addresses.
 */
export function createSendAlert(webhook: string | undefined) {
  return (alert: Alert): Promise<boolean> =>
    runAttempt(async ({ signal }) => {
      if (webhook === undefined) return false;
      const { origin, pathname, search } = new URL(webhook);
      const http = openHttp(origin, { connections: 1, timeoutMs: 10_000 });
      try {
        const text = `Gigya export "${alert.job}" ${alert.state}: ${alert.reason}`;
        const reply = await http.send({
          method: 'POST',
          path: `${pathname}${search}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ text, ...alert }),
          signal,
        });
        if (reply.status >= 200 && reply.status < 300) return true;
        const message = `ALERT_WEBHOOK answered HTTP ${reply.status}; check the setting of the worker`;
        throw ApplicationFailure.create({ type: 'Alert', message });
      } finally {
        await http.close();
      }
    });
}
