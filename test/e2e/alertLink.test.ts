import { expect, inject, it } from 'vitest';
import { jobDocument } from '../support/jobs.ts';
import { serve } from '../support/localServer.ts';
import { startPrograms } from '../support/programRig.ts';
import { unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

it('an alert links to the run in the Web UI that WEB_UI_URL names', async ({ onTestFinished }) => {
  const webhook = await serve((_, response) => response.writeHead(204).end());
  onTestFinished(webhook.close);
  const rig = await startPrograms({
    address: inject('temporalAddress'),
    sandbox: { users: 10 },
    env: { ALERT_WEBHOOK: webhook.url, WEB_UI_URL: 'https://temporal.example.com' },
  });
  onTestFinished(() => rig.stop());
  const run = await rig.temporal.workflow.start('exportAudience', {
    workflowId: unique('alerts/link'),
    taskQueue: String(rig.env['TASK_QUEUE']),
    args: [jobDocument('Linked', { segment_id: 'nowhere' })],
  });
  const { body } = await until(() => webhook.asked[0]);
  const id = encodeURIComponent(run.workflowId);
  const link = `https://temporal.example.com/namespaces/default/workflows/${id}/${run.firstExecutionRunId}`;
  const alert: unknown = JSON.parse(body);
  expect(alert).toMatchObject({ state: 'failed', link, text: expect.stringContaining(`(${link})`) });
});
