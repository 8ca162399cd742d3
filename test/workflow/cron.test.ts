import type { WorkflowBundleOption } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type DevServer, startDevServer } from '../../scripts/devServer.ts';
import { EXPORT_WORKFLOW } from '../../src/names.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { jobDocument } from '../support/jobs.ts';
import { startMockRig } from '../support/mockRig.ts';
import { unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let server: DevServer;
let temporal: { address: string; workflowBundle: WorkflowBundleOption };

beforeAll(async () => {
  // So low that every run is asked to continue as new, which would lose the cron expression.
  server = await startDevServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 15 } });
  temporal = { address: server.address, workflowBundle: { codePath: inject('workflowBundle') } };
});
afterAll(() => server.stop());

it('runs every night that a cron expression names, each time from the beginning', async () => {
  const rig = await startMockRig(temporal, { pages: 6, pageSize: 10 });
  try {
    const workflowId = unique('cron');
    const handle = await rig.client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
      workflowId,
      taskQueue: rig.taskQueue,
      args: [jobDocument('cron')],
      cronSchedule: '@every 1s',
    });
    const nights: string[] = [handle.firstExecutionRunId];
    while (nights.length < 3) {
      const runId = nights.at(-1);
      const night = rig.client.workflow.getHandle(workflowId, runId);
      const next = await until(async () => {
        const { events } = await night.fetchHistory();
        return events?.at(-1)?.workflowExecutionCompletedEventAttributes?.newExecutionRunId ?? false;
      });
      const { events } = await night.fetchHistory();
      expect(events?.[0]?.workflowExecutionStartedEventAttributes?.cronSchedule).toBe('@every 1s');
      const activities = (events ?? []).flatMap(
        ({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name ?? [],
      );
      expect(activities.filter((name) => name === 'preflight')).toHaveLength(1);
      expect(activities.filter((name) => name === 'updateGigya')).toHaveLength(6);
      nights.push(next);
    }
    await rig.client.workflow.getHandle(workflowId).terminate();
  } finally {
    await rig.stop();
  }
});
