import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { findTemporalCli } from '../../scripts/temporalCli.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { startLocalWorker } from '../support/localWorker.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { unique } from '../support/temporal.ts';

let rig: Rig;
let folder: string;

beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: 50 } });
  folder = await mkdtemp(join(tmpdir(), 'job-'));
});
afterAll(async () => {
  await rig.stop();
  await rm(folder, { recursive: true });
});

/** Nothing was written. */
async function expectUntouched(): Promise<void> {
  expect(await rig.sandbox.admin.journal()).toEqual([]);
}

describe('a bad document from the Temporal CLI', () => {
  const good = jobDocument('good');
  it.each<[string, unknown, RegExp]>([
    ['no argument at all', undefined, /document: must be a JSON object/],
    ['null', null, /document: must be a JSON object/],
    ['a text', 'vip', /document: must be a JSON object/],
    ['a list', [good], /document: must be a JSON object/],
    ['nothing in it', {}, /name: missing.*auth_ids: missing.*config: missing/s],
    [
      'a key that is misspelt',
      { ...good, config: { segment_id: 'vip', target_store: 'account' } },
      /config\.target_store: unknown setting; did you mean config\.target_storage\?/,
    ],
    [
      'a time that is none',
      { ...good, config: { segment_id: 'vip', time_of_day: '25:00' } },
      /config\.time_of_day: must be a time of day/,
    ],
  ])('fails the run with InvalidJob: %s', async (_, document, message) => {
    const workflowId = unique('raw');
    const args = ['workflow', 'start', '--address', inject('temporalAddress'), '--type', 'exportAudience'];
    args.push('--task-queue', rig.taskQueue, '--workflow-id', workflowId);
    if (document !== undefined) {
      const file = join(folder, `${workflowId}.json`);
      await writeFile(file, JSON.stringify(document));
      args.push('--input-file', file);
    }
    await promisify(execFile)(await findTemporalCli(), args);
    const handle = rig.client.workflow.getHandle<typeof exportAudience>(workflowId);
    const failure = await failureOf(handle);
    expect(failure.type).toBe('InvalidJob');
    expect(failure.message).toMatch(message);
    expect(await handle.query<Progress>('progress')).toMatchObject({
      state: 'failed',
      reason: failure.message,
    });
    await expectUntouched();
  });

  it('fails when both authorizations are of one provider, or one is missing on every worker', async () => {
    const both = await rig.start({ ...good, name: 'both', auth_ids: ['gigya', 'gigya-rsa'] });
    const unknown = await rig.start({ ...good, name: 'unknown', auth_ids: ['lytics', 'staging'] });
    expect(await failureOf(both)).toMatchObject({
      type: 'InvalidJob',
      message: expect.stringContaining('auth_ids'),
    });
    const failure = await failureOf(unknown);
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toContain('this worker has no authorization "staging"');
    await expectUntouched();
  });
});

it.each([
  ['has no authorization', '{}'],
  ['has a broken authorizations file', '{'],
  ['has no authorizations file', undefined],
])(
  'the run goes to the other worker when one of two %s',
  async (_what, text) => {
    const authorizationsFile = join(folder, unique('none.json'));
    if (text !== undefined) await writeFile(authorizationsFile, text);
    const other = await startLocalWorker({ ...provided(), taskQueue: rig.taskQueue, authorizationsFile });
    // Whichever worker polls first: several runs meet both.
    const names = ['one', 'two', 'three', 'four'];
    const job = (name: string) => jobDocument(name, { dry_run: true, on_exit: 'keep' });
    const summaries = await Promise.all(names.map((name) => rig.run(job(name)))).finally(() => other.stop());
    for (const { counts } of summaries) expect(counts).toMatchObject({ members: 50, updated: 50 });
  },
  120_000,
);

it('an unexpected error ends the run after three attempts, with its reason and no user data', async () => {
  let tries = 0;
  const broken = await startRig({
    ...provided(),
    sandbox: { users: 1 },
    activities: {
      async fetchMembership() {
        tries++;
        throw new TypeError('Cannot read "user-1" of undefined');
      },
    },
  });
  try {
    expect(await failureOf(await broken.start(jobDocument('broken')))).toMatchObject({
      type: 'Unexpected',
      message: expect.stringMatching(/^Unexpected TypeError: Cannot read … of undefined.*report it$/),
    });
    expect(tries).toBe(3);
  } finally {
    await broken.stop();
  }
});

describe('an unusable configuration ends the run at preflight, with Configuration and the fix', () => {
  afterEach(async () => {
    await rig.sandbox.admin.clearFaults();
    const { admin } = rig.sandbox;
    await admin.patchSettings({
      lytics: { tokenRevoked: false },
      gigya: { keyRevoked: false, dataStore: 'on', wrongDataCenter: null, deniedMethods: [] },
    });
  });

  it.each<[string, () => Promise<unknown>, Parameters<typeof jobDocument>[1], RegExp]>([
    [
      'a token that was revoked',
      () => rig.sandbox.admin.patchSettings({ lytics: { tokenRevoked: true } }),
      {},
      /correct lytics\.token/,
    ],
    [
      'a key that was revoked',
      () => rig.sandbox.admin.patchSettings({ gigya: { keyRevoked: true } }),
      {},
      /gigya/,
    ],
    [
      'an audience that is not there',
      async () => {},
      { segment_id: 'vups' },
      /Lytics has no audience "vups".*correct config\.segment_id/,
    ],
    [
      'a site in another data centre',
      () => rig.sandbox.admin.patchSettings({ gigya: { wrongDataCenter: 'eu1.gigya.com' } }),
      {},
      /301001.*eu1\.gigya\.com.*set gigya\.datacenter/,
    ],
    [
      'a site without the Data Store',
      () => rig.sandbox.admin.patchSettings({ gigya: { dataStore: 403036 } }),
      { target_storage: 'data_store' },
      /403036.*use target_storage "account"/,
    ],
    [
      'a user key without permission',
      () => rig.sandbox.admin.patchSettings({ gigya: { deniedMethods: ['accounts.getSchema'] } }),
      {},
      /403007.*give gigya\.user_key accounts\.\*/,
    ],
    [
      'a field of another type',
      async () => {},
      { gigya_field: 'newsletter' },
      /data\.newsletter is declared as boolean/,
    ],
  ])('%s', async (_, spoil, config, message) => {
    await spoil();
    const failure = await failureOf(await rig.start(jobDocument('misconfigured', config)));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(message);
    await expectUntouched();
  });
});
