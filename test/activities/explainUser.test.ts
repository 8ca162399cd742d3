import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/client.ts';
import type { Explanation } from '../../src/activities/explanation.ts';
import { type Job, type JobDocument, parseJob } from '../../src/job.ts';
import { createKeyPair, openSealed, sealTo } from '../../src/sealedTo.ts';
import { attemptOf } from '../support/activity.ts';
import { changedAuthorizations, failureOf, openActivities } from '../support/activityRig.ts';
import { accountsHolding, storeObject } from '../support/gigyaPage.ts';
import { jobDocument } from '../support/jobs.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 10, audiences: 3 });
});
afterAll(() => sandbox.stop());

const jobOf = (config: Partial<JobDocument['config']> = {}) => parseJob(jobDocument('Test', config));

/** Asks like the client. */
async function ask(uid: string, document: Job = jobOf()) {
  const { questionKey, explainUser } = openActivities(sandbox.authorizationsFile);
  const workerKey = await attemptOf().run(questionKey, document.auth_ids);
  const { publicKey, privateKey } = await createKeyPair();
  const question = { document, uid: await sealTo(workerKey, uid), run: null, publicKey };
  const answer = await attemptOf().run(explainUser, question);
  const explanation: Explanation = JSON.parse(await openSealed(privateKey, answer));
  return { question, answer, explanation };
}

async function explained(uid: string, document?: Job): Promise<string[]> {
  const { steps, diagnosis } = (await ask(uid, document)).explanation;
  return [...steps.map(({ result, what, found }) => `${result} ${what}: ${found}`), diagnosis];
}

it('users are explained by what Lytics and Gigya answer, and nothing is written', async () => {
  const { admin } = sandbox;
  const { expected } = await admin.truth();
  const [written = '', open = '', leaver = ''] = Object.keys(expected);
  await admin.patchAccount(written, { data: { lytics_segments: expected[written] } });
  expect(await explained(written)).toEqual(
    expect.arrayContaining([
      'PASS Lytics user: found by gy_profile_id',
      'PASS member: in "vip"',
      'PASS next run: writes nothing: Gigya already holds the record',
    ]),
  );
  expect(await explained(open)).toEqual(
    expect.arrayContaining([
      'INFO Gigya: holds lytics_segments null',
      `INFO next run: writes lytics_segments ${JSON.stringify(expected[open])}`,
    ]),
  );
  const [row] = await admin.rows(leaver);
  await admin.patchAccount(leaver, { data: { lytics_segments: ['vip'] } });
  await admin.putRows({ ...(row && { key: row.key }), fields: { ...row?.fields }, audiences: [] });
  expect(await explained(leaver)).toEqual(
    expect.arrayContaining([
      'FAIL member: not in "vip"',
      'INFO next run: writes lytics_segments []',
      'The user is not a member of "vip" and still carries it in Gigya; the next run corrects the user.',
    ]),
  );

  const quoted = 'a"b';
  await admin.putAccounts({ uid: quoted });
  await admin.putRows(
    { fields: { gy_profile_id: quoted }, audiences: ['vip'] },
    { fields: { gy_profile_id: 'shared' }, audiences: ['vip'] },
    { fields: { gy_profile_id: 'shared' }, audiences: [] },
  );
  expect(await explained(quoted)).toEqual(
    expect.arrayContaining([
      'INFO Gigya ID: a Gigya query cannot contain this UID; each run reads the account instead',
      'INFO next run: writes lytics_segments ["vip"]',
    ]),
  );
  expect(await explained('shared')).toEqual(
    expect.arrayContaining([
      expect.stringContaining('PASS Lytics user: 2 profiles have this UID'),
      'FAIL Gigya: no account with this UID on this site',
    ]),
  );
  expect((await explained('nobody')).at(-1)).toBe('Neither Lytics nor Gigya knows this UID.');

  await admin.addAudience({ slug: 'staff' });
  await admin.putRows({ fields: { gy_profile_id: 'employee' }, audiences: ['vip', 'staff'] });
  await admin.putAccounts({ uid: 'employee', data: { lytics_segments: ['staff', 'vip'] } });
  expect(await explained('employee', jobOf({ exclude_segment_ids: ['staff'] }))).toEqual(
    expect.arrayContaining([
      'FAIL exclusion: in an audience that the job excludes (staff)',
      'INFO next run: writes lytics_segments ["staff"]',
    ]),
  );
  expect((await explained(open, jobOf({ segment_id: 'gone' }))).at(0)).toContain(
    'FAIL job: Lytics has no audience "gone"',
  );
  expect(await admin.journal()).toEqual([]);
});

it('users are explained by their object in the Data Store, whatever their account holds', async () => {
  const { admin } = sandbox;
  const inStore = (config: Partial<JobDocument['config']> = {}) =>
    jobOf({ target_storage: 'data_store', ...config });
  const told = (uid: string, config?: Partial<JobDocument['config']>) => explained(uid, inStore(config));
  const settings = await admin.settings();
  const [holding = '', open = '', leaver = '', stranger = ''] = await accountsHolding(
    sandbox,
    'data_store',
    ['vip'],
    undefined,
    ['other', 'vip'],
    undefined,
  );
  const quoted = 'c"d';
  await admin.putAccounts({ uid: quoted });
  for (const uid of [open, stranger]) await admin.patchAccount(uid, { data: { lytics_segments: ['vip'] } });
  const member = (uid: string) => ({ fields: { gy_profile_id: uid }, audiences: ['vip'] });
  await admin.putRows(...[holding, open, quoted, 'ghost'].map(member));
  await admin.putRows({ fields: { gy_profile_id: stranger }, audiences: [] });

  expect(await told(holding)).toEqual([
    'PASS Lytics user: found by gy_profile_id',
    'PASS member: in "vip"',
    'PASS Gigya ID: usable',
    'INFO newest run: the job has not run yet',
    'INFO Gigya: holds lytics_segments ["vip"]',
    'PASS next run: writes nothing: Gigya already holds the record',
    "Gigya holds the user's present record in lytics_segments.",
  ]);
  // Another type has objects of its own.
  expect(await told(holding, { data_store_type: 'elsewhere' })).toContain(
    'INFO next run: writes lytics_segments ["vip"]',
  );
  for (const missingObject of [404000, 404003, 'empty'] as const) {
    await admin.patchSettings({ gigya: { missingObject } });
    const steps = await told(open);
    expect(steps).toEqual(
      expect.arrayContaining([
        'INFO Gigya: holds lytics_segments null',
        'INFO next run: writes lytics_segments ["vip"]',
        expect.stringContaining('no run has written the user yet'),
      ]),
    );
    expect(steps.filter((step) => step.includes('index'))).toEqual([]);
  }
  expect(await told(quoted)).toEqual(
    expect.arrayContaining([
      'INFO Gigya ID: a Gigya query cannot contain this UID; each run reads the account instead',
      'INFO next run: writes lytics_segments ["vip"]',
    ]),
  );
  expect(await told(leaver)).toEqual(
    expect.arrayContaining([
      'FAIL Lytics user: no profile has this UID in gy_profile_id',
      'INFO next run: writes lytics_segments []',
      'The user is not a member of "vip" and still carries it in Gigya; the next run corrects the user.',
    ]),
  );
  expect((await told(leaver, { on_exit: 'keep' })).at(-1)).toContain('config.on_exit is "keep"');
  expect(await told(stranger)).toEqual(
    expect.arrayContaining([
      'INFO next run: does not write this user',
      'The user is not a member of "vip", and does not carry it in Gigya; no run writes the user.',
    ]),
  );

  // Gigya may accept an object for a user who does not exist.
  await storeObject(sandbox, 'ghost', ['vip']);
  expect(await told('ghost')).toEqual(
    expect.arrayContaining([
      'FAIL Gigya: no account with this UID on this site',
      'INFO next run: does not write this user',
      expect.stringContaining('runs count the user as unknown_uid'),
    ]),
  );

  await admin.patchSettings({ gigya: { indexLagMs: 600_000 } });
  await storeObject(sandbox, open, ['vip']);
  await admin.putAccounts({ uid: 'newcomer' });
  await admin.putRows(member('newcomer'));
  expect(await told(open)).toEqual(
    expect.arrayContaining([
      'INFO Gigya index: behind: it shows lytics_segments null',
      expect.stringContaining('its index is behind'),
    ]),
  );
  expect(await told('newcomer')).toContain('INFO Gigya index: behind: it does not have the user yet');

  await admin.patchSettings({ gigya: { dataStore: 403036 } });
  expect(await told(holding)).toEqual([
    expect.stringMatching(/^FAIL job: .*403036/),
    'The job cannot run, so it writes no user.',
  ]);
  await admin.patchSettings(settings);
});

it('neither the question nor the answer has the UID in the clear', async () => {
  const uid = 'uid-of-the-question';
  const { question, answer } = await ask(uid);
  for (const text of [JSON.stringify(question), answer]) {
    const parts = text.split(/[."]/).map((part) => Buffer.from(part, 'base64url').toString());
    expect([text, ...parts].join('\n')).not.toContain(uid);
  }
  await expect(openSealed((await createKeyPair()).privateKey, answer)).rejects.toThrow();
});

it('a question that was sealed under another secret is refused', async () => {
  const { question } = await ask('u1');
  const file = await changedAuthorizations(sandbox, { gigya: { secret_key: 'd3Jvbmc=' } });
  const failure = await failureOf(attemptOf().run(openActivities(file).explainUser, question));
  expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
  expect(failure.message).toContain('The question cannot be opened');
});
