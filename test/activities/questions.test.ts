import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, Settings } from '../../sandbox/client.ts';
import type { CheckResult } from '../../src/activities/checks.ts';
import type { JobDocument } from '../../src/job.ts';
import { OTHER_WORKER_QUESTION_TRIES } from '../../src/tuning.ts';
import { attemptOf } from '../support/activity.ts';
import { changedAuthorizations, failureOf, openActivities } from '../support/activityRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { startQuickSandbox } from '../support/quickSandbox.ts';

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 30, audiences: 5 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.patchSettings(settings);
  // A question changes nothing.
  expect(await sandbox.admin.journal()).toEqual([]);
});
afterAll(() => sandbox.stop());

const ask = (file = sandbox.authorizationsFile) => openActivities(file);
const checkJob = (document: unknown, file?: string) => attemptOf().run(ask(file).checkJob, document);
const job = (config: Partial<JobDocument['config']> = {}) => jobDocument('Test', config);

describe('the authorizations', () => {
  it('are listed by name, provider and place, without their secrets', async () => {
    const authorizations = await attemptOf().run(ask().listAuthorizations);
    expect(authorizations).toEqual([
      { name: 'lytics', provider: 'lytics', where: sandbox.url },
      { name: 'gigya', provider: 'gigya', where: sandbox.url },
      { name: 'gigya-rsa', provider: 'gigya', where: sandbox.url },
      { name: 'gigya-signature', provider: 'gigya', where: sandbox.url },
    ]);
    const { lytics, gigya } = sandbox.authorizations;
    for (const secret of [lytics.token, gigya.secret_key])
      expect(JSON.stringify(authorizations)).not.toContain(secret);
  });

  it.each(['lytics', 'gigya', 'gigya-rsa', 'gigya-signature'])(
    'are verified with a call: %s',
    async (name) => {
      await expect(attemptOf().run(ask().proveAuthorization, name)).resolves.toBeUndefined();
    },
  );

  it.each([
    ['lytics', { token: 'wrong' }, 'the token is wrong or has expired; correct lytics.token'],
    ['gigya', { secret_key: 'd3Jvbmc=' }, 'the secret is not valid; correct the secret of gigya'],
    ['none', {}, 'none.provider: '],
  ])('that do not work report the fix: %s', async (name, change, message) => {
    const file = await changedAuthorizations(sandbox, { [name]: change });
    const failure = await failureOf(attemptOf().run(ask(file).proveAuthorization, name));
    // An entry that is wrong may be right on another worker.
    const isFinal = name !== 'none';
    const type = isFinal ? 'Configuration' : 'Authorization';
    expect(failure).toMatchObject({ type, nonRetryable: isFinal });
    expect(failure.message).toContain(message);
  });
});

describe('the audiences', () => {
  it('are listed by name, with their sizes', async () => {
    const audiences = await attemptOf().run(ask().listAudiences, 'lytics');
    expect(audiences).toHaveLength(7);
    const names = audiences.map(({ name }) => name);
    expect(names).toEqual([...names].sort((one, other) => one.localeCompare(other)));
    expect(audiences.find(({ slug }) => slug === 'vip')).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      slug: 'vip',
      name: 'VIP customers',
      size: 30,
      is_public: true,
    });
  });
});

describe("the jobs of Lytics' own export", () => {
  it('are listed by name and returned unchanged', async () => {
    const { admin } = sandbox;
    const config = { segment_id: 'vip', continuous_update: true };
    const job = await admin.addJob({ name: 'VIPs', config });
    await admin.addJob({ name: 'All', status: 'paused' });
    await admin.addJob({ name: 'Killed', status: 'deleted' });
    await admin.addJob({ name: 'Once', status: 'completed' });
    expect(await attemptOf().run(ask().listLyticsJobs, 'lytics')).toEqual([
      expect.objectContaining({ name: 'All', status: 'paused', continuous_update: false }),
      expect.objectContaining({ name: 'Once', status: 'completed' }),
      { id: job.id, name: 'VIPs', status: 'running', ...config },
    ]);
    expect(await attemptOf().run(ask().readLyticsJob, 'lytics', job.id)).toEqual(job);
  });

  it('that are unknown report how to list them', async () => {
    const failure = await failureOf(attemptOf().run(ask().readLyticsJob, 'lytics', 'none'));
    expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
    expect(failure.message).toContain('Lytics has no Gigya export job "none"');
  });
});

describe('a job that is checked', () => {
  const named = (checks: CheckResult[], name: string) => checks.find(({ what }) => what === name);

  it('reports the result of every check', async () => {
    const ok = { ok: true, warnings: [] };
    expect(await checkJob(job())).toEqual([
      { what: 'job document', found: 'valid', ...ok },
      { what: 'Lytics credentials', found: '"lytics" works; the account has 7 audiences', ...ok },
      { what: 'Gigya credentials', found: `"gigya" works, at ${sandbox.url}`, ...ok },
      { what: 'audience', found: '"VIP customers" has 30 users', ...ok },
      { what: 'Gigya field', found: 'data.lytics_segments of the account can be written', ...ok },
      { what: 'audience label', found: 'users carry it as "vip"', ...ok },
      { what: 'Gigya ID field', found: 'gy_profile_id is set for 30 of the first 30 users', ...ok },
      { what: 'lanes', found: 'scans run in one lane: the audience is small', ...ok },
      { what: 'Gigya users', found: 'Gigya knows 30 of 30 users in a sample', ...ok },
      {
        what: 'webhooks',
        found: 'a first run fires up to 30, one a write; "mute_webhooks": true fires none',
        ...ok,
      },
      {
        what: 'quota',
        found: '3,000 calls and 300 searches a second: a first run takes about 1 s',
        ...ok,
      },
    ]);
  });

  it('checks the Data Store', async () => {
    const checks = await checkJob(job({ target_storage: 'data_store', data_store_type: 'marketing' }));
    expect(named(checks, 'Gigya field')?.found).toBe(
      'data.lytics_segments of the Data Store, type marketing can be written',
    );
    await sandbox.admin.patchSettings({ gigya: { dataStore: 403036 } });
    const without = named(await checkJob(job({ target_storage: 'data_store' })), 'Gigya field');
    expect(without).toMatchObject({ ok: false });
    expect(without?.found).toContain('use target_storage "account"');
  });

  it('whose authorization is missing is left to another worker, as long as there may be one', async () => {
    const document = jobDocument('Test', {}, 'gigya-eu');
    const check = (attempt: number) => attemptOf({ attempt }).run(ask().checkJob, document);
    expect(await failureOf(check(1))).toMatchObject({ type: 'Authorization', nonRetryable: false });
    const last: CheckResult[] = await check(OTHER_WORKER_QUESTION_TRIES);
    expect(last.find(({ what }) => what === 'Gigya credentials')).toMatchObject({
      ok: false,
      found: expect.stringContaining('this worker has no authorization "gigya-eu"'),
    });
  });

  it('that is invalid is reported as invalid without further checks', async () => {
    const [check, ...more] = await checkJob({ ...job(), name: '' });
    expect(check).toMatchObject({ what: 'job document', ok: false });
    expect(check?.found).toContain('name: ');
    expect(more).toEqual([]);
  });

  it('reports each fault and continues with the other checks', async () => {
    const file = await changedAuthorizations(sandbox, { gigya: { secret_key: 'd3Jvbmc=' } });
    const checks = await checkJob(job({ gigya_id_field: 'no_such_field' }), file);
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['job document', true],
      ['Lytics credentials', true],
      // What needs Gigya is not looked at.
      ['Gigya credentials', false],
      ['audience', true],
      ['Gigya ID field', false],
      ['webhooks', true],
    ]);
    expect(named(checks, 'Gigya ID field')?.found).toBe(
      'no_such_field is set for 0 of the first 30 users; correct config.gigya_id_field',
    );
  });

  it('warns of an audience that is not open to the API', async () => {
    const label = named(await checkJob(job({ segment_id: 'internal_only' })), 'audience label');
    expect(label).toMatchObject({ ok: true, found: 'not exported' });
    expect(label?.warnings).toEqual([
      'The audience "internal_only" is not open to Lytics\' API, so its users will not carry it; open it in Lytics, or set config.audiences to "all"',
    ]);
  });

  it('warns when Gigya knows no user of a sample', async () => {
    const plan = job({ gigya_id_field: 'email' });
    expect(named(await checkJob(plan), 'Gigya users')).toMatchObject({
      ok: true,
      found: 'Gigya knows 0 of 30 users in a sample',
      warnings: [expect.stringContaining('they may be lite accounts')],
    });
  });
});
