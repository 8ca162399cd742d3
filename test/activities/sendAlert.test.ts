import { describe, expect, it, onTestFinished } from 'vitest';
import { createSendAlert } from '../../src/activities/sendAlert.ts';
import { noCounts } from '../../src/counts.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf } from '../support/activityRig.ts';
import { closedPort, serve } from '../support/localServer.ts';

const alert = {
  state: 'failed',
  job: 'VIPs to Gigya',
  audience: 'vip',
  reason: 'the secret is not valid',
  workflow_id: 'gigya-export/vips-to-gigya',
  run_id: '1',
  counts: noCounts(),
} as const;

const send = (webhook: string | undefined) => attemptOf().run(createSendAlert({ webhook: webhook }), alert);

async function webhook(status: number) {
  const server = await serve((_, response) => response.writeHead(status).end('ok'));
  onTestFinished(server.close);
  return server;
}

describe('an alert', () => {
  it('is posted as JSON with a human-readable text', async () => {
    const { url, asked } = await webhook(204);
    expect(await send(`${url}/services/T1?key=a%20b`)).toBe(true);
    expect(asked).toMatchObject([
      { method: 'POST', path: '/services/T1?key=a%20b', headers: { 'content-type': 'application/json' } },
    ]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      text: 'Gigya export "VIPs to Gigya" failed: the secret is not valid',
      ...alert,
    });
  });

  it('is not sent when the worker has no webhook', async () => {
    expect(await send(undefined)).toBe(false);
  });

  it.each([404, 500, 302])('that the webhook rejects (%i) is retried', async (status) => {
    const { url } = await webhook(status);
    expect(await failureOf(send(`${url}/secret-path`))).toMatchObject({
      type: 'Alert',
      nonRetryable: false,
      message: `ALERT_WEBHOOK answered HTTP ${status}; check the setting of the worker`,
    });
  });

  it('whose webhook does not answer is retried', async () => {
    await expect(send(`http://127.0.0.1:${await closedPort()}/secret-path`)).rejects.toThrow(/ECONNREFUSED/);
  });
});
