import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { questionsQueue } from '../../src/names.ts';
import type { Summary } from '../../src/workflows/run.ts';
import { jobDocument } from '../support/jobs.ts';
import { closedPort } from '../support/localServer.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { parseSamples, type Sample, totalOf } from '../support/prometheus.ts';
import { readQuery } from '../support/promql.ts';
import { until } from '../support/until.ts';

const USERS = 500;

let rig: ProgramRig;
let url: string;
let first: Summary;
/** What was served after a run without faults, and after others that had some. */
let calm: Sample[];
let served: string;
let after: Sample[];

const serve = async () => (await fetch(url)).text();

beforeAll(async () => {
  const port = await closedPort();
  url = `http://127.0.0.1:${port}/metrics`;
  rig = await startPrograms({
    address: inject('temporalAddress'),
    sandbox: { users: USERS, limits: [2_000, 200] },
    env: { METRICS_PORT: String(port), METRICS_HOST: '127.0.0.1' },
  });
  const { admin } = rig.sandbox;
  const kinds = ['missing', 'stranger', 'several', 'duplicate', 'too_long'] as const;
  await admin.population({ action: 'odd', count: 2, kinds: [...kinds] });
  first = await run({});
  calm = parseSamples(await serve());

  // Waits that Lytics and Gigya ask for, and runs and attempts that fail.
  const slowDown = { kind: 'lytics_error', status: 429, retryAfterSeconds: 0 } as const;
  await admin.addFaults({ match: { method: 'scan' }, times: 1, action: slowDown });
  // Lower than what a busy machine reaches.
  await admin.patchSettings({ gigya: { callsPerSecond: 60 } });
  await run({ target_storage: 'data_store' });
  await expect(run({ segment_id: 'nowhere' })).rejects.toThrow();
  served = await until(summedUp);
  after = parseSamples(served);
});
afterAll(() => rig?.stop());

/** What is served once all calls to Gigya are counted: their latency is recorded at once, and their number is summed up. */
async function summedUp(): Promise<string | undefined> {
  const text = await serve();
  const samples = parseSamples(text);
  const calls = totalOf(samples, 'gigya_call_latency_count');
  return totalOf(samples, 'gigya_calls_total') === calls ? text : undefined;
}

async function run(config: Parameters<typeof jobDocument>[1]): Promise<Summary> {
  const document = jobDocument('Measured', config);
  return rig.temporal.workflow.execute<(job: typeof document) => Promise<Summary>>('exportAudience', {
    workflowId: `measured-${crypto.randomUUID()}`,
    taskQueue: String(rig.env['TASK_QUEUE']),
    args: [document],
  });
}

describe('the metrics of a worker', () => {
  it('count users by outcome, as the run does', () => {
    const outcomes = Object.keys(first.counts);
    const counted = outcomes.map((outcome) => [
      outcome,
      totalOf(calm, 'gigya_export_users_total', { outcome }),
    ]);
    expect(Object.fromEntries(counted)).toEqual({ ...first.counts });
    const { members, left, ...outcomesOfUsers } = first.counts;
    expect(members + left).toBe(Object.values(outcomesOfUsers).reduce((sum, count) => sum + count));
    const met = Object.entries(first.counts).flatMap(([name, count]) => (count > 0 ? name : []));
    expect(met).toEqual(expect.arrayContaining(['updated', 'unchanged', 'no_gigya_id', 'unknown_uid']));
  });

  it('count calls to Gigya by method and code, and to Lytics by status, as the services do', async () => {
    const { calls } = await rig.sandbox.admin.stats();
    for (const [method, outcomes] of Object.entries(calls)) {
      if (!method.includes('.')) continue;
      for (const [code, count] of Object.entries(outcomes))
        expect(totalOf(after, 'gigya_calls_total', { method, code }), `${method} ${code}`).toBe(count);
    }
    expect(totalOf(after, 'gigya_calls_total', { code: '403048' })).toBeGreaterThan(0);
    const { scan = {}, segment = {}, segments = {} } = calls;
    const lytics = (call: string, status: string) => totalOf(after, 'lytics_calls_total', { call, status });
    expect(lytics('scan audience', '200')).toBe(scan['200']);
    expect(lytics('scan audience', '429')).toBe(1);
    expect(lytics('read audience', '404')).toBe(segment['404']);
    expect(lytics('list audiences', '200')).toBe(segments['200']);
  });

  it('show the rate of the limiter from the start, and its drop', () => {
    const rate = (samples: Sample[], limit: string) =>
      totalOf(samples, 'gigya_rate_limit', { authorization: 'gigya', limit });
    expect(rate(calm, 'calls')).toBe(2_000);
    expect(rate(calm, 'searches')).toBe(200);
    expect(rate(after, 'calls')).toBeLessThan(1_000);
    expect(rate(after, 'calls')).toBeGreaterThan(0);
  });

  it('show the time spent waiting', () => {
    expect(totalOf(after, 'gigya_rate_limit_wait_ms_total', { authorization: 'gigya' })).toBeGreaterThan(500);
    expect(totalOf(after, 'lytics_rate_limit_wait_ms_total')).toBeGreaterThanOrEqual(0);
  });

  it('show the latency of pages and calls, up to minutes', () => {
    const pages = (activity: string) => totalOf(after, 'gigya_export_page_latency_count', { activity });
    // Pages are sized by the rate; every page that is fetched here is written.
    expect(pages('fetchMembership')).toBeGreaterThan(2);
    expect(pages('updateGigya')).toBe(pages('fetchMembership'));
    const bounds = after
      .filter(
        ({ name, labels }) =>
          name === 'gigya_export_page_latency_bucket' && labels['activity'] === 'updateGigya',
      )
      .map(({ labels }) => Number(labels['le']?.replace('+Inf', 'Infinity')));
    expect(bounds.filter((bound) => bound > 10_000 && bound < Infinity).length).toBeGreaterThan(3);
    const count = totalOf(after, 'gigya_call_latency_count', { method: 'accounts.setAccountInfo' });
    expect(count).toBe(totalOf(after, 'gigya_calls_total', { method: 'accounts.setAccountInfo' }));
  });

  it("are served together with the SDK's metrics", () => {
    const run = { workflow_type: 'exportAudience' };
    expect(totalOf(after, 'temporal_workflow_completed_total', run)).toBe(2);
    expect(totalOf(after, 'temporal_workflow_failed_total', run)).toBe(1);
    const slots = (task_queue: string) =>
      totalOf(after, 'temporal_worker_task_slots_available', { worker_type: 'ActivityWorker', task_queue });
    const taskQueue = String(rig.env['TASK_QUEUE']);
    expect([slots(taskQueue), slots(questionsQueue(taskQueue))]).toEqual([100, 10]);
  });

  it('contain no user data and no secret', async () => {
    const { expected } = await rig.sandbox.admin.truth();
    const hidden = ['token', 'secret_key', 'private_key', 'user_key'];
    const settings = Object.values(rig.sandbox.authorizations).flatMap((one) => Object.entries(one));
    const secrets = settings.filter(([name]) => hidden.includes(name)).map(([, value]) => String(value));
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of [...Object.keys(expected), ...secrets]) expect(served).not.toContain(secret);
  });
});

const dashboardSchema = z.looseObject({
  uid: z.string(),
  templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(
    z.looseObject({
      id: z.number(),
      type: z.string(),
      title: z.string(),
      datasource: z.looseObject({ uid: z.string() }).optional(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z
        .array(
          z.looseObject({
            expr: z.string(),
            legendFormat: z.string(),
            datasource: z.looseObject({ uid: z.string() }),
          }),
        )
        .default([]),
    }),
  ),
});

describe('the Grafana dashboard', async () => {
  const file = new URL('../../docs/grafana-dashboard.json', import.meta.url);
  const { panels, templating } = dashboardSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const targets = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));

  it('uses the selected data source', () => {
    expect(templating.list).toMatchObject([{ name: 'datasource', type: 'datasource', query: 'prometheus' }]);
    const sources = [...panels, ...targets].flatMap(({ datasource }) => datasource?.uid ?? []);
    for (const source of sources) expect(source).toMatch(/^\$\{datasource\}$/);
  });

  it('has no overlapping panels', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it.each(targets)('queries metrics that are served: $title, $expr', ({ expr, legendFormat }) => {
    // Grafana's own variables are durations.
    const asked = readQuery(expr.replace(/\$__(rate_interval|range)/g, '5m'));
    expect(asked.length).toBeGreaterThan(0);
    for (const { metric, matchers, groupedBy } of asked) {
      const samples = after.filter(({ name }) => name === metric);
      expect(samples.length, `${metric} is not served`).toBeGreaterThan(0);
      for (const label of [...matchers.map((matcher) => matcher.label), ...groupedBy])
        expect(Object.keys(samples[0]?.labels ?? {}), `${metric} has no such label`).toContain(label);
      const matched = samples.filter(({ labels }) =>
        matchers.every(({ label, operator, value }) => {
          const isEqual = new RegExp(`^(?:${value})$`).test(labels[label] ?? '');
          return operator.startsWith('!') ? !isEqual : isEqual;
        }),
      );
      expect(matched.length, `nothing served matches ${expr}`).toBeGreaterThan(0);
    }
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect(asked[0]?.groupedBy, 'the legend uses a label that the query drops').toContain(label);
  });
});
