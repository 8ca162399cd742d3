import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { FaultInput } from '../../sandbox/client.ts';
import { jobDocument } from '../support/jobs.ts';
import { closedPort } from '../support/localServer.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { textsIn } from '../support/texts.ts';
import { until } from '../support/until.ts';

const WRITE = 'accounts.setAccountInfo';

let rig: ProgramRig;
let uids: string[];
/** All that can be seen of the runs from outside, by where. */
const seen = new Map<string, string>();

beforeAll(async () => {
  const metricsPort = await closedPort();
  rig = await startPrograms({
    address: inject('temporalAddress'),
    sandbox: { users: 150, odd: 2 },
    env: { METRICS_PORT: String(metricsPort), METRICS_HOST: '127.0.0.1', LOG_LEVEL: 'debug' },
  });
  const { admin } = rig.sandbox;
  const { expected, strangers } = await admin.truth();
  uids = [...Object.keys(expected), ...strangers];

  // Every profile is asked for, and every kind of answer quotes whom it is about.
  await admin.patchSettings({ gigya: { echoUid: true }, lytics: { rowSegments: 'none' } });
  await admin.addFaults({
    match: { method: 'entity' },
    rate: 0.05,
    action: { kind: 'lytics_error', status: 503, message: `no answer for ${uids[0]}` },
  });
  await quote(500001, 400006, 413003, 409030, 403005);
  await admin.addFaults({ match: { method: WRITE }, rate: 0.03, action: { kind: 'cut' } });
  seen.set('client', await follow('account'));
  await admin.clearFaults();
  await askForRows();

  // Retried until somebody looks.
  await admin.change(1_000);
  await admin.addFaults({
    match: { method: WRITE, after: 50 },
    action: { kind: 'gigya_error', code: 504001, details: `try ${uids[1]} later` },
  });
  const following = follow('retried');
  const handle = rig.temporal.workflow.getHandle('gigya-export/retried');
  // The calls are retried for seconds before the activity is.
  const middle = await until(
    async () => {
      const { raw } = await handle.describe().catch(() => ({ raw: undefined }));
      return (
        raw?.pendingActivities?.some(({ attempt, lastFailure }) => (attempt ?? 0) > 1 && lastFailure) && raw
      );
    },
    { limitMs: 120_000 },
  );
  seen.set('description while it retries', textsIn(middle));
  seen.set('metadata while it retries', textsIn(await handle.query('__temporal_workflow_metadata')));
  seen.set('status while it retries', (await rig.client('--json', 'status', 'retried')).stdout);
  await admin.clearFaults();
  seen.set('client of a run that retried', await following);

  await admin.change(1_000);
  await admin.addFaults(
    ...uids.map(
      (uid): FaultInput => ({
        match: { method: WRITE, uid },
        action: {
          kind: 'gigya_error',
          code: 400020,
          details: `Field of "${uid}" unknown: ${uid}`,
          message: `No ${uid}`,
        },
      }),
    ),
  );
  seen.set('client of a run that failed', await follow('failed'));
  await admin.clearFaults();
  // The first search proves the credentials; the second asks for the users on the first page.
  await admin.addFaults({
    match: { method: 'accounts.search', after: 1 },
    action: { kind: 'gigya_error', code: 403007, details: `Not allowed for ${await scannedUid()}` },
  });
  seen.set('client of a run whose search failed', await follow('search'));
  await admin.clearFaults();

  for (const id of ['account', 'account/preview', 'retried', 'failed', 'search'].map(
    (name) => `gigya-export/${name}`,
  )) {
    seen.set(`history of ${id}`, textsIn(await rig.temporal.workflow.getHandle(id).fetchHistory()));
    seen.set(`description of ${id}`, textsIn(await rig.temporal.workflow.getHandle(id).describe()));
  }
  seen.set('metrics', await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
  seen.set('worker log', rig.worker.output());
}, 300_000);
afterAll(() => rig.stop());

/** Rows are for the person who asks: they name users in the client's own output, and nowhere else. */
async function askForRows(): Promise<void> {
  const failures = await rig.client('failures', 'account', '--format', 'jsonl');
  expect(uids.filter((uid) => failures.stdout.includes(uid)).length).toBeGreaterThan(3);
  await rig.sandbox.admin.change(100);
  const preview = await rig.client('preview', await rig.write(jobDocument('account')));
  expect(uids.filter((uid) => preview.stdout.includes(uid)).length).toBeGreaterThan(10);
  const query = `WorkflowType = "readRows" AND TaskQueue = "${rig.env['TASK_QUEUE']}"`;
  const questions = await until(async () => {
    const found: string[] = [];
    for await (const { workflowId } of rig.temporal.workflow.list({ query })) found.push(workflowId);
    return found.length >= 2 && found;
  });
  for (const [index, id] of questions.entries()) {
    const history = textsIn(await rig.temporal.workflow.getHandle(id).fetchHistory());
    expect(history).toContain('"part":"ey');
    seen.set(`history of question ${index + 1}`, history);
  }
}

/** A user on the first page of the scan. */
async function scannedUid(): Promise<string> {
  const { lyticsUrl, authorizations } = rig.sandbox;
  const headers = { authorization: authorizations.lytics.token };
  const response = await fetch(`${lyticsUrl}/api/segment/vip/scan?table=user&limit=100`, { headers });
  const scanned = await response.text();
  const uid = uids.find((one) => scanned.includes(`"gy_profile_id":"${one}"`));
  if (uid === undefined) throw new Error('The first page names no known user');
  return uid;
}

/** Single users are answered with an error that names them. */
async function quote(...codes: number[]): Promise<void> {
  for (const [index, code] of codes.entries()) {
    const uid = uids[10 + index] ?? '';
    const action = {
      kind: 'gigya_error',
      code,
      details: `Account ${uid} has a fault`,
      message: `No ${uid}`,
    } as const;
    await rig.sandbox.admin.addFaults({ match: { method: WRITE, uid }, times: 2, action });
  }
}

async function follow(name: string): Promise<string> {
  const { stdout, stderr } = await rig.client('run', await rig.write(jobDocument(name)));
  return `${stdout}\n${stderr}`;
}

describe('of a run whose faults quote users', () => {
  it('there is enough output to search', () => {
    expect(seen.get('history of gigya-export/account')).toMatch(/"updated":\d+/);
    expect(seen.get('history of gigya-export/account')).toMatch(/"sealed":\{"failed":\["ey/);
    expect(seen.get('history of gigya-export/account/preview')).toMatch(/"sealed":\{.*"changed":\["ey/);
    expect(seen.get('history of gigya-export/retried')).toContain('504001');
    expect(seen.get('history of gigya-export/failed')).toContain('400020');
    expect(seen.get('history of gigya-export/search')).toContain('Not allowed for …');
    expect(seen.get('description while it retries')).toMatch(/"done":"[^"]+"/);
    expect(seen.get('description while it retries')).toContain('504001');
    expect(seen.get('metadata while it retries')).toContain('504001');
    expect(seen.get('client')).toContain('failed with');
    expect(seen.get('client of a run that failed')).toContain('400020');
    expect(seen.get('worker log')).toContain('400020');
    expect(seen.get('metrics')).toContain('gigya_export_users');
  });

  it.each(['client', 'worker log', 'metrics', 'description', 'history', 'metadata', 'status'])(
    'nothing in the %s names a user',
    async (where) => {
      const forms = uids.flatMap((uid) => [
        uid,
        encodeURIComponent(uid),
        JSON.stringify(uid).slice(1, -1),
        Buffer.from(uid).toString('base64'),
      ]);
      for (const [place, text] of seen) {
        if (!place.startsWith(where)) continue;
        expect(text.length, place).toBeGreaterThan(100);
        expect(
          forms.filter((form) => text.includes(form)),
          place,
        ).toEqual([]);
        expect(text, place).not.toContain('@example.com');
      }
    },
  );

  it('nothing anywhere holds a secret', () => {
    const { lytics, gigya, 'gigya-rsa': rsa } = rig.sandbox.authorizations;
    const keyLines = rsa.private_key.split('\n').filter((line) => line.length > 40);
    const secrets = [lytics.token, gigya.secret_key, encodeURIComponent(gigya.secret_key), ...keyLines];
    expect(secrets.length).toBeGreaterThan(10);
    for (const [place, text] of seen) {
      expect(
        secrets.filter((secret) => text.includes(secret)),
        place,
      ).toEqual([]);
    }
  });
});

it('these would be found, because the journal of the sandbox names the users', async () => {
  const journal = textsIn(await rig.sandbox.admin.journal());
  expect(uids.filter((uid) => journal.includes(uid)).length).toBeGreaterThan(100);
});
