import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultInput, Sandbox, Settings } from '../../sandbox/client.ts';
import type { JobDocument } from '../../src/job.ts';
import { attemptOf } from '../support/activity.ts';
import { changedAuthorizations, failureOf, openActivities } from '../support/activityRig.ts';
import { jobDocument } from '../support/jobs.ts';
import { setSchema, startQuickSandbox } from '../support/quickSandbox.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

let sandbox: Sandbox;
let settings: Settings;
beforeAll(async () => {
  sandbox = await startQuickSandbox({ users: 12, settleSeconds: 7 });
  settings = await sandbox.admin.settings();
});
afterEach(async () => {
  await sandbox.admin.clearFaults();
  await sandbox.admin.patchSettings(settings);
  // Whatever it found: a preflight writes nothing.
  expect(await sandbox.admin.journal()).toEqual([]);
});
afterAll(() => sandbox.stop());

const preflight = (document: unknown, authorizationsFile = sandbox.authorizationsFile) =>
  attemptOf().run(openActivities(authorizationsFile).preflight, document);

/** What a person has to change, in the words of the failure that ends the run. */
async function configurationFault(document: unknown, authorizationsFile?: string): Promise<string> {
  const failure = await failureOf(preflight(document, authorizationsFile));
  expect(failure).toMatchObject({ type: 'Configuration', nonRetryable: true });
  return failure.message;
}

const job = (config: Partial<JobDocument['config']> = {}, gigya = 'gigya') =>
  jobDocument('Test', config, gigya);
const fault = (rule: FaultInput) => sandbox.admin.addFaults(rule);

describe('a preflight', () => {
  it.each(['gigya', 'gigya-rsa', 'gigya-signature'])(
    'determines what the run does, with %s',
    async (gigya) => {
      const [vip] = (await sandbox.admin.audiences()).filter(({ slug }) => slug === 'vip');
      expect(await preflight(job({}, gigya))).toEqual({
        job: {
          name: 'Test',
          auth_ids: ['lytics', gigya],
          config: expect.objectContaining({ segment_id: 'vip', target_storage: 'account', dry_run: false }),
        },
        audience: {
          ...{ id: vip?.id, slug: 'vip', name: 'VIP customers', public_name: 'VIP' },
          ...{ label: 'vip', size: 12 },
        },
        index_lag_seconds: 7,
        alert_after_seconds: 1800,
        warnings: [],
      });
    },
  );

  it('accepts the authorizations in either order, and the audience by its id', async () => {
    const [vip] = (await sandbox.admin.audiences()).filter(({ slug }) => slug === 'vip');
    const document = { ...job({ segment_id: vip?.id ?? '' }), auth_ids: ['gigya', 'lytics'] };
    expect((await preflight(document)).audience).toMatchObject({ slug: 'vip' });
  });

  it("accepts a job as Lytics' API returns it, with only the Gigya authorization", async () => {
    const reply = {
      status: 200,
      data: { ...job({ time_of_day: '2:00am' }), auth_ids: ['gigya'], id: '0a1b', status: 'running' },
    };
    const plan = await preflight(reply);
    expect(plan.job).toMatchObject({ name: 'Test', auth_ids: ['gigya'], config: { time_of_day: '02:00' } });
    expect(plan.audience).toMatchObject({ slug: 'vip' });
  });

  it.each([
    ['slug', 'vip'],
    ['name', 'VIP customers'],
  ] as const)('knows what the audience is called in Gigya, by its %s', async (audience_format, label) => {
    expect((await preflight(job({ audience_format }))).audience.label).toBe(label);
  });

  it('accepts the Data Store', async () => {
    expect((await preflight(job({ target_storage: 'data_store' }))).job.config.target_storage).toBe(
      'data_store',
    );
  });

  it('accepts numbers and a status that are returned as strings', async () => {
    await sandbox.admin.patchSettings({ lytics: { statusAsString: true, numbersAsStrings: true } });
    expect((await preflight(job())).audience.size).toBe(12);
  });

  it('warns of an audience that is not open to the API: its users will not carry it', async () => {
    const plan = await preflight(job({ segment_id: 'internal_only' }));
    expect(plan.audience).not.toHaveProperty('label');
    expect(plan.warnings).toEqual([
      'The audience "internal_only" is not open to Lytics\' API, so its users will not carry it; open it in Lytics, or set config.audiences to "all"',
    ]);
    const all = await preflight(job({ segment_id: 'internal_only', audiences: 'all' }));
    expect(all.audience.label).toBe('internal_only');
    expect(all.warnings).toEqual([]);
  });

  it('refuses a closed audience whose label no query can contain: nobody can tell who carries it', async () => {
    await sandbox.admin.addAudience({ slug: 'gold', name: 'VIPs "Gold"', isPublic: false });
    const failure = await failureOf(preflight(job({ segment_id: 'gold', audience_format: 'name' })));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(
      /is not open to Lytics' API, and Gigya cannot be searched for users who carry/,
    );
    // By its slug, Gigya is asked, and nobody carries it.
    expect((await preflight(job({ segment_id: 'gold' }))).warnings).toHaveLength(1);
  });

  it('retries transient errors, and leaves persistent ones to Temporal', async () => {
    await fault({ match: { provider: 'lytics' }, times: 2, action: { kind: 'html' } });
    await fault({ match: { provider: 'gigya' }, times: 2, action: { kind: 'gigya_error', code: 500001 } });
    expect(await preflight(job())).toMatchObject({ warnings: [] });

    await fault({ match: { provider: 'gigya' }, action: { kind: 'gigya_error', code: 503001 } });
    expect(await failureOf(preflight(job()))).toMatchObject({
      type: 'Gigya',
      nonRetryable: false,
      nextRetryDelay: 60_000,
    });
  });
});

describe('a preflight is left to another worker, with the fix for this one,', () => {
  async function missing(document: unknown, file?: string): Promise<string> {
    const failure = await failureOf(preflight(document, file));
    expect(failure).toMatchObject({ type: 'Authorization', nonRetryable: false });
    return failure.message;
  }

  it('when an authorization is missing', async () => {
    expect(await missing(job({}, 'gigya-eu'))).toBe(
      `auth_ids: this worker has no authorization "gigya-eu"; its file ${sandbox.authorizationsFile} has "lytics", "gigya", "gigya-rsa", "gigya-signature"`,
    );
  });

  it('when the authorizations file is missing or not valid JSON', async () => {
    const file = join(temporaryFolder(), 'authorizations.json');
    expect(await missing(job(), file)).toContain(`${file} could not be read (ENOENT); create it`);
    writeFileSync(file, '{');
    expect(await missing(job(), file)).toContain(`${file} is not valid JSON (line 1, column 2)`);
  });

  it("when a secret's environment variable is not set, or a key is not valid", async () => {
    const file = await changedAuthorizations(sandbox, { lytics: { token: 'env:NO_SUCH_VARIABLE' } });
    expect(await missing(job(), file)).toBe(
      'lytics.token: the environment variable NO_SUCH_VARIABLE is not set on this worker; set it',
    );
    const keys = await changedAuthorizations(sandbox, { 'gigya-rsa': { private_key: 'none' } });
    expect(await missing(job({}, 'gigya-rsa'), keys)).toContain('gigya-rsa.private_key: not an RSA');
  });
});

describe('a preflight ends the run with the fix', () => {
  it('when the job document is wrong', async () => {
    const failure = await failureOf(preflight({ ...job(), name: '' }));
    expect(failure).toMatchObject({ type: 'InvalidJob', nonRetryable: true });
    expect(failure.message).toContain('name: must not be empty');
  });

  it.each([
    [['gigya', 'gigya-rsa'], 'Lytics'],
    [['lytics', 'lytics-2'], 'Gigya'],
  ])('when both authorizations are of one provider: %j', async (auth_ids, missing) => {
    const { lytics } = sandbox.authorizations;
    const file = await changedAuthorizations(sandbox, { 'lytics-2': { ...lytics } });
    const failure = await failureOf(preflight({ ...job(), auth_ids }, file));
    expect(failure).toMatchObject({ type: 'InvalidJob', nonRetryable: true });
    expect(failure.message).toContain(
      `auth_ids: names no authorization for ${missing}; name one for Gigya, or it and one for Lytics`,
    );
  });

  it("when Lytics' token is wrong, or has expired", async () => {
    const file = await changedAuthorizations(sandbox, { lytics: { token: 'another' } });
    const wrong =
      'list audiences: Lytics answered 401 "Not authorized": the token is wrong or has expired; correct lytics.token';
    expect(await configurationFault(job(), file)).toBe(wrong);
    await sandbox.admin.patchSettings({ lytics: { tokenRevoked: true, v2Unauthorized: 'v2' } });
    expect(await configurationFault(job())).toBe(wrong);
  });

  it('when the audience does not exist', async () => {
    expect(await configurationFault(job({ segment_id: 'no_such' }))).toBe(
      'Lytics has no audience "no_such" (read audience: Lytics answered 404 "segment not found"); correct config.segment_id, or lytics.token if it belongs to another account',
    );
  });

  it("when Gigya's secret is wrong", async () => {
    const file = await changedAuthorizations(sandbox, {
      gigya: { secret_key: 'd3Jvbmc=' },
      'gigya-signature': { secret_key: 'd3Jvbmc=' },
    });
    expect(await configurationFault(job(), file)).toMatch(
      /^accounts\.search: Gigya answered 403010 "Invalid Secret".*: the secret is not valid; correct the secret of gigya$/,
    );
    expect(await configurationFault(job({}, 'gigya-signature'), file)).toMatch(
      /403003 .*: the signature is not valid; correct the secret of gigya-signature, and check this machine's clock$/,
    );
  });

  it("when Gigya's user key is unknown, which is not an unknown UID", async () => {
    const file = await changedAuthorizations(sandbox, { gigya: { user_key: 'AKanother' } });
    expect(await configurationFault(job(), file)).toMatch(
      /403005 .*The supplied userkey was not found.*: the user key is not known; correct gigya\.user_key$/,
    );
  });

  it("when Gigya's API key is wrong", async () => {
    const file = await changedAuthorizations(sandbox, { gigya: { api_key: '3_another' } });
    expect(await configurationFault(job(), file)).toMatch(/400093 .*correct gigya\.api_key$/);
  });

  it('when the site is in another data center', async () => {
    await sandbox.admin.patchSettings({ gigya: { wrongDataCenter: 'eu1.gigya.com' } });
    expect(await configurationFault(job())).toMatch(
      /301001 .*\(eu1\.gigya\.com\).*: the site is in another data center: set gigya\.datacenter$/,
    );
  });

  it('when the application has no permission', async () => {
    for (const method of ['accounts.search', 'accounts.getSchema']) {
      await sandbox.admin.patchSettings({ gigya: { deniedMethods: [method] } });
      expect(await configurationFault(job())).toMatch(/403007 .*give gigya\.user_key accounts\.\*/);
    }
  });

  it.each([403036, 403007] as const)('when there is no Data Store (%i)', async (code) => {
    await sandbox.admin.patchSettings({ gigya: { dataStore: code } });
    expect(await configurationFault(job({ target_storage: 'data_store' }))).toContain(
      `ds.getSchema: Gigya answered ${code}`,
    );
    // An account needs none.
    expect(await preflight(job())).toMatchObject({ warnings: [] });
  });

  it('when the Data Store is used in the global data center, which does not support it', async () => {
    const file = await changedAuthorizations(sandbox, { gigya: { datacenter: 'global' } });
    expect(await configurationFault(job({ target_storage: 'data_store' }), file)).toBe(
      'global.gigya.com has no Data Store; use target_storage "account", or another data center in gigya.datacenter',
    );
    expect(await preflight(job(), file)).toMatchObject({ warnings: [] });
  });

  it('when the request with the credentials is redirected', async () => {
    await fault({ match: { provider: 'gigya' }, action: { kind: 'redirect' } });
    expect(await configurationFault(job())).toMatch(/redirected \(HTTP 302\).*correct gigya\.base_url$/);
  });
});

describe('a schema', () => {
  const field = 'lytics_segments';
  const declare = (declaration: unknown, more: Record<string, unknown> = {}) =>
    setSchema(sandbox, 'accounts', { fields: { [field]: declaration }, ...more });
  afterEach(async () => {
    await declare(null);
    await declare({ type: 'string', writeAccess: 'serverOnly' }, { dynamicSchema: true });
  });

  it('that allows only declared fields ends the run', async () => {
    await declare(null, { dynamicSchema: false });
    expect(await configurationFault(job())).toBe(
      'accounts.getSchema: the field data.lytics_segments is not in Gigya\'s schema, which allows no others; declare it as {"type":"string","writeAccess":"serverOnly"}, or set config.gigya_field',
    );
    await declare({ type: 'string' });
    expect(await preflight(job())).toMatchObject({ warnings: [] });
  });

  it('that does not declare the field causes a warning, because users could write it themselves', async () => {
    await declare(null);
    expect((await preflight(job())).warnings).toEqual([
      'The field data.lytics_segments is not declared in Gigya\'s schema, so users can write it themselves; declare it as {"type":"string","writeAccess":"serverOnly"} (in a site group, on the parent)',
    ]);
  });

  it('whose field cannot hold audiences ends the run', async () => {
    await declare(null);
    await declare({ type: 'long' });
    expect(await configurationFault(job())).toContain('is declared as long, which cannot hold audiences');
    expect(await preflight(job({ gigya_field: 'audiences' }))).toMatchObject({
      warnings: [expect.stringContaining('data.audiences is not declared')],
    });
  });

  it('whose field appends to arrays ends the run', async () => {
    await declare({ type: 'string', arrayOp: 'push' });
    expect(await configurationFault(job())).toContain('appends to arrays (arrayOp "push")');
  });
});
