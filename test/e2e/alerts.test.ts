import { readFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { type Alert, createSendAlert } from '../../src/activities/sendAlert.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { closedPort, type LocalServer, serve } from '../support/localServer.ts';
import { type LocalWorker, startLocalWorker } from '../support/localWorker.ts';
import { mockExport } from '../support/mockActivities.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { provided } from '../support/provided.ts';
import { connectClient, type ExportHandle, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** More pages than are written at once: when the last one fails, others are done. */
const USERS = 3_100;

type Posted = Alert & { text: string };

const posted = ({ asked }: LocalServer): Posted[] => asked.map(({ body }) => JSON.parse(body));
const postedBy = (server: LocalServer, { workflowId }: ExportHandle) =>
  posted(server).filter((alert) => alert.workflow_id === workflowId);

const { address, workflowBundle } = provided();
const client = connectClient(address);
const endings: (() => Promise<unknown>)[] = [() => client.connection.close()];
afterAll(async () => {
  for (const end of endings.reverse()) await end();
});

const mocked = () => mockExport({ pages: 3, pageSize: 10 }).activities;

/** A run whose second page ends it, on a worker with this webhook. */
function fail(webhook: string, failure: ApplicationFailure): Promise<ExportHandle> {
  const activities = mocked();
  return startMocked(webhook, {
    async fetchMembership(page) {
      if (page.lanes.some(({ seen }) => seen > 0)) throw failure;
      return activities.fetchMembership(page);
    },
  });
}

/** A run that finds these users who left. */
function startGuarded(webhook: string, fetchLeavers: Activities['fetchLeavers']): Promise<ExportHandle> {
  return startMocked(webhook, { fetchLeavers });
}

async function startMocked(webhook: string, changes: Partial<Activities>): Promise<ExportHandle> {
  const taskQueue = unique('test');
  const worker: LocalWorker = await startLocalWorker({
    address,
    workflowBundle,
    taskQueue,
    activities: { ...mocked(), sendAlert: createSendAlert({ webhook: webhook }), ...changes },
  });
  endings.push(() => worker.stop());
  const workflowId = unique('alerts');
  return client.workflow.start<typeof exportAudience>('exportAudience', {
    workflowId,
    taskQueue,
    args: [jobDocument('VIPs to Gigya')],
  });
}

const guard = ApplicationFailure.create({
  type: 'Guard',
  message: '900 of 1,000 users would lose the audience',
  nonRetryable: true,
});

/** Runs whose webhook is down, or answers 500: begun first, as they try again for a while. */
let broken: LocalServer;
let undelivered: ExportHandle[];
beforeAll(async () => {
  broken = await serve((_, response) => response.writeHead(500).end('<html>'));
  endings.push(broken.close);
  undelivered = [await fail(broken.url, guard), await fail(`http://127.0.0.1:${await closedPort()}`, guard)];
});

describe('the webhook of a worker', () => {
  let webhook: LocalServer;
  let rig: ProgramRig;

  beforeAll(async () => {
    webhook = await serve((_, response) => response.writeHead(204).end());
    rig = await startPrograms({
      address: inject('temporalAddress'),
      sandbox: { users: USERS },
      env: { ALERT_WEBHOOK: `${webhook.url}/on-call?team=crm`, ALERT_AFTER: '2', REQUEST_TIMEOUT: '2' },
    });
  });
  afterAll(async () => {
    await rig?.stop();
    await webhook?.close();
  });

  async function start(document: unknown): Promise<ExportHandle> {
    const workflowId = unique('alerts');
    const taskQueue = String(rig.env['TASK_QUEUE']);
    await rig.temporal.workflow.start('exportAudience', { workflowId, taskQueue, args: [document] });
    return rig.temporal.workflow.getHandle<typeof exportAudience>(workflowId);
  }

  it('gets one alert for a run that failed, with the job, the reason and the progress', async () => {
    const refuse = { kind: 'gigya_error', code: 403007, message: 'Permission denied' } as const;
    await rig.sandbox.admin.addFaults({
      match: { method: 'accounts.setAccountInfo', after: USERS - 50 },
      action: refuse,
    });
    const run = await start(jobDocument('VIPs to Gigya'));
    const { message } = await failureOf(run);
    await rig.sandbox.admin.clearFaults();
    // On a slow machine it may have stalled before.
    const [alert, ...more] = postedBy(webhook, run).filter(({ state }) => state === 'failed');
    expect(more).toEqual([]);
    const { runId } = await run.describe();
    const { counts } = await run.query<Progress>('progress');
    expect(alert).toEqual({
      text: `Gigya export "VIPs to Gigya" failed: ${message}`,
      state: 'failed',
      job: 'VIPs to Gigya',
      audience: 'vip',
      reason: message,
      workflow_id: run.workflowId,
      run_id: runId,
      counts,
    });
    expect(message).toMatch(/accounts\.setAccountInfo: Gigya answered 403007 .*callId [0-9a-f]{32}/);
    expect(counts.updated).toBeGreaterThanOrEqual(1_000);
    const request = webhook.asked.find(({ body }) => body.includes(run.workflowId));
    expect(request).toMatchObject({ method: 'POST', path: '/on-call?team=crm' });
    expect(request?.headers['content-type']).toBe('application/json');
  });

  it('gets one alert for a run that stalls, and one when it continues', async () => {
    await rig.sandbox.admin.addFaults({
      match: { method: 'accounts.setAccountInfo' },
      action: { kind: 'silence' },
    });
    const run = await start(jobDocument('Quiet'));
    const alert = await until(() => postedBy(webhook, run)[0]);
    // It stays silent for longer than that, and there is no second alert.
    await until(async () => (await run.query<Progress>('progress')).last_trouble !== null);
    expect(postedBy(webhook, run)).toHaveLength(1);
    await rig.sandbox.admin.clearFaults();
    expect(alert).toMatchObject({ state: 'stalled', job: 'Quiet', audience: 'vip' });
    expect(alert.text).toBe(`Gigya export "Quiet" stalled: ${alert.reason}`);
    expect(alert.reason).toMatch(/No page finished within 2 s|answer/);
    expect((await run.result()).counts.members).toBe(USERS);
    const states = postedBy(webhook, run).map(({ state }) => state);
    // A slow machine may stall again; each time somebody hears that it is over.
    expect(states.slice(0, 2)).toEqual(['stalled', 'recovered']);
    for (const [n, state] of states.entries()) expect(state).toBe(n % 2 === 0 ? 'stalled' : 'recovered');
  });

  it('is set for the worker only: a document cannot name one', async () => {
    const elsewhere = await serve((_, response) => response.end());
    const address = elsewhere.url;
    const documents: unknown[] = [
      { ...jobDocument('Mine'), alert_webhook: address },
      {
        ...jobDocument('Mine'),
        config: { segment_id: 'vip', alert_webhook: address, ALERT_WEBHOOK: address },
      },
    ];
    const failures = await Promise.all(documents.map(async (document) => failureOf(await start(document))));
    await elsewhere.close();
    expect(failures.map(({ type }) => type)).toEqual(['InvalidJob', 'InvalidJob']);
    expect(failures[0]?.message).toContain('alert_webhook: unknown setting');
    expect(failures[1]?.message).toContain(
      'config.alert_webhook: unknown setting; remove it\n  config.ALERT_WEBHOOK: unknown setting; remove it',
    );
    expect(elsewhere.asked).toEqual([]);
  });

  it('gets no user data and no secret', async () => {
    expect(posted(webhook).length).toBeGreaterThan(2);
    const said = webhook.asked.map(({ body }) => body).join('\n');
    const { expected } = await rig.sandbox.admin.truth();
    const secrets = (await readFile(rig.sandbox.authorizationsFile, 'utf8')).matchAll(
      /"(?:token|secret_key|private_key|user_key|api_key)": ?"([^"]+)"/g,
    );
    const hidden = [...Object.keys(expected), ...[...secrets].map(([, secret = '']) => secret)];
    expect(hidden.length).toBeGreaterThan(USERS);
    for (const text of hidden) expect(said).not.toContain(text);
  });
});

describe('a run that fails', () => {
  it("with Guard because nobody approved sends the alert 'failed' after the alert 'guarded'", async () => {
    const webhook = await serve((_, response) => response.end('ok'));
    endings.push(webhook.close);
    const run = await fail(webhook.url, guard);
    expect(await failureOf(run)).toMatchObject({ type: 'Guard' });
    expect(posted(webhook)).toEqual([
      expect.objectContaining({
        text: 'Gigya export "VIPs to Gigya" failed: 900 of 1,000 users would lose the audience',
        state: 'failed',
        workflow_id: run.workflowId,
        counts: expect.objectContaining({ members: 10, updated: 10 }),
      }),
    ]);
  });

  it('still ends with its own reason when the webhook is unavailable or answers 500', async () => {
    for (const failure of await Promise.all(undelivered.map(failureOf)))
      expect(failure).toEqual({ type: 'Guard', message: guard.message });
    // It was tried again, and then given up.
    expect(broken.asked.length).toBeGreaterThan(1);
    expect(broken.asked.length).toBeLessThan(10);
  });
});

describe('a run that waits for approval', () => {
  it("sends the alert 'guarded' with both figures, and none when it is cancelled", async () => {
    const webhook = await serve((_, response) => response.end('ok'));
    endings.push(webhook.close);
    const leaversOf = async () => ({
      page: 'sealed',
      counts: { left: 90 },
      failures: {},
      next: null,
      expired: false,
      carriers: 120,
      missing: null,
      unproven: null,
    });
    const run = await startGuarded(webhook.url, leaversOf);
    const alert = await until(() => postedBy(webhook, run)[0]);
    expect(alert).toMatchObject({
      state: 'guarded',
      reason:
        '90 of the 120 users who carry the audience in Gigya would lose it, and config.max_removals allows 20 % of them',
      text: 'Gigya export "VIPs to Gigya" guarded: 90 of the 120 users who carry the audience in Gigya would lose it, and config.max_removals allows 20 % of them',
      counts: expect.objectContaining({ members: 30, left: 0 }),
    });
    await run.cancel();
    expect((await failureOf(run)).type).toBe('Cancelled');
    expect(postedBy(webhook, run)).toHaveLength(1);
  });
});
