import { ApplicationFailure } from '@temporalio/common';
import type { Counts } from '../counts.ts';
import { openHttp } from '../http.ts';
import { NO_ALERT } from '../names.ts';
import { currentAttempt } from './attempt.ts';

/** The content of an alert; contains no user data. */
export interface Alert {
  state: 'failed' | 'guarded' | 'stalled' | 'recovered';
  job: string;
  audience: string;
  reason: string;
  workflow_id: string;
  run_id: string;
  counts: Counts;
}

export interface AlertOptions {
  /** Where alerts are posted to; without it there are none. */
  webhook?: string | undefined;
  /** Temporal's Web UI, for a link to the run. */
  webUiUrl?: string | undefined;
  namespace?: string | undefined;
}

/**
 * Posts an alert, as JSON with a readable `text`, to the worker's webhook. The URL is a setting of the
 * worker, not of the document: a document must not be able to make the worker call a URL.
 *
 * @returns Whether it was sent.
 */
export function createSendAlert({ webhook, webUiUrl, namespace = 'default' }: AlertOptions) {
  return async (alert: Alert): Promise<boolean> => {
    if (webhook === undefined) return false;
    const { origin, pathname, search } = new URL(webhook);
    const http = openHttp(origin, { connections: 1, timeoutMs: 10_000 });
    const id = encodeURIComponent(alert.workflow_id);
    const link = webUiUrl && `${webUiUrl}/namespaces/${namespace}/workflows/${id}/${alert.run_id}`;
    const text = `Gigya export "${alert.job}" ${alert.state}: ${alert.reason}${link ? ` (${link})` : ''}`;
    try {
      const reply = await http.send({
        method: 'POST',
        path: `${pathname}${search}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text, ...alert, ...(link && { link }) }),
        signal: currentAttempt().signal,
      });
      if (reply.status >= 200 && reply.status < 300) return true;
      const message = `ALERT_WEBHOOK answered HTTP ${reply.status}; check the setting of the worker`;
      throw ApplicationFailure.create({ type: NO_ALERT, message });
    } finally {
      await http.close();
    }
  };
}
