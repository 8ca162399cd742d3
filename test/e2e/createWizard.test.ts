import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Temporal } from '../../src/cli/connect.ts';
import { findJob } from '../../src/cli/jobs.ts';
import { handleOf } from '../../src/cli/runs.ts';
import { parseJob } from '../../src/job.ts';
import { slugOf } from '../../src/names.ts';
import { startLocalWorker } from '../support/localWorker.ts';
import { type ProgramRig, startPrograms } from '../support/programRig.ts';
import { provided } from '../support/provided.ts';
import { unique } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { KEYS, noTerminal, openTerminal } from '../support/terminal.ts';

const why = noTerminal();
if (why) console.warn(`The test of "create" without a document was LEFT OUT: ${why}`);

describe.skipIf(why)('create without a document, at a terminal', () => {
  let rig: ProgramRig;
  let temporal: Temporal;
  beforeAll(async () => {
    rig = await startPrograms({
      address: inject('temporalAddress'),
      sandbox: { users: 1_234 },
      env: { REQUEST_TIMEOUT: '2' },
    });
    temporal = { client: rig.temporal, taskQueue: String(rig.env['TASK_QUEUE']) };
  });
  afterAll(() => rig?.stop());

  const open = () => openTerminal('src/client.ts', ['create', '--no-follow'], rig.env);
  const authorizations = async (): Promise<Record<string, Record<string, unknown>>> =>
    JSON.parse(await readFile(rig.sandbox.authorizationsFile, 'utf8'));

  it('asks in the order of the form, shows the document, saves it and starts the job', async () => {
    const name = unique('Wizard VIPs');
    const file = join(temporaryFolder(), 'job.json');
    const person = open();
    await person.sees('? Lytics authorization');
    await person.sees(`lytics (${rig.sandbox.url})`);
    await person.sees('Add a new one');
    person.types(KEYS.enter);
    await person.answers('Gigya authorization', KEYS.down);
    await person.answers('Label', name);
    await person.answers('Description (optional)', 'Made by asking');
    await person.sees('? Audience (type to search)');
    person.types('vip');
    await person.sees('VIP customers – 1,234 users');
    person.types(KEYS.enter);
    // All of them, up to "Keep updated".
    await person.answers('Advanced options', ` ${KEYS.down} ${KEYS.down} `);
    await person.answers('Gigya ID field');
    await person.answers('Storage', KEYS.down);
    await person.answers('Run');
    await person.answers('Time of day', '25:00');
    await person.sees('must be a time of day');
    // One digit for the hour is enough.
    person.types(`${'\u007f'.repeat(5)}2:30${KEYS.enter}`);
    await person.sees('? Timezone (type to search)');
    person.types('vienna');
    await person.sees('Europe/Vienna');
    person.types(KEYS.enter);
    await person.sees('! Daylight saving in Europe/Vienna: 02:30 does not exist on 20');
    await person.sees('03:30 is safe.');
    await person.answers('Choose another time?');
    await person.sees('? Time of day (03:30)');
    person.types(KEYS.enter);
    await person.sees(`"name": "${name}"`);
    await person.answers('Save the document as', file);
    await person.answers('Start it?');
    await person.sees(`${name}: created; it runs now, and daily at 03:30 Europe/Vienna`);
    expect(await person.exited).toBe(0);

    const saved: unknown = JSON.parse(await readFile(file, 'utf8'));
    expect(saved).toEqual({
      name,
      description: 'Made by asking',
      auth_ids: ['lytics', 'gigya-rsa'],
      config: {
        segment_id: 'vip',
        gigya_id_field: 'gy_profile_id',
        target_storage: 'data_store',
        continuous_update: true,
        time_of_day: '03:30',
        timezone: 'Europe/Vienna',
      },
    });
    const { schedule, runs } = await findJob(temporal, name);
    expect(schedule).toMatchObject({ action: { args: [parseJob(saved)] } });
    const [run] = runs;
    if (!run) throw new Error('No run was started');
    expect((await handleOf(temporal, run).result()).counts).toMatchObject({ members: 1_234, updated: 1_234 });
    await rig.client('delete', name);
  });

  it('asks for each advanced option that is selected', async () => {
    const name = unique('Wizard options');
    const file = join(temporaryFolder(), 'job.json');
    const person = open();
    await person.answers('Lytics authorization');
    await person.answers('Gigya authorization');
    await person.answers('Label', name);
    await person.answers('Description (optional)');
    await person.sees('? Audience (type to search)');
    person.types('VIP cust');
    await person.sees('VIP customers – 1,234 users');
    person.types(KEYS.enter);
    // All but the ID field and the storage.
    await person.answers('Advanced options', `a ${KEYS.down} `);
    await person.answers('Run', KEYS.down);
    await person.answers('Day of the week', KEYS.down);
    await person.answers('Time of day', '12:15');
    await person.answers('Timezone (type to search)');
    await person.answers('Users who leave the audience', KEYS.down);
    await person.answers('Most removals without approval', '0.5x');
    await person.sees('must be a number');
    person.types(`${'\u007f'.repeat(4)}250${KEYS.enter}`);
    await person.sees('? Excluded audience (type to search)');
    person.types('internal');
    await person.sees('❯ Internal');
    person.types(KEYS.enter);
    await person.answers('Exclude another audience?');
    await person.answers('Field in Lytics=field in Gigya', 'score_momentum=lytics_momentum');
    // The same question follows: its first text is drawn again with each key.
    await person.sees('✔ Field in Lytics=field in Gigya (empty when done) score_momentum=lytics_momentum');
    await person.answers('Field in Lytics=field in Gigya', 'score_recency=lytics_segments');
    await person.sees('two values for the Gigya field');
    person.types(`${'\u007f'.repeat('segments'.length)}recency${KEYS.enter}`);
    await person.sees('✔ Field in Lytics=field in Gigya (empty when done) score_recency=lytics_recency');
    await person.answers('Field in Lytics=field in Gigya');
    await person.answers('Quiet hours begin at', '21:00');
    await person.answers('Length of the quiet hours, in hours', '6');
    await person.answers('Timezone of the quiet hours (type to search)');
    await person.answers('Save the document as', file);
    await person.answers('Start it?', 'n');
    expect(await person.exited).toBe(1);
    const saved: unknown = JSON.parse(await readFile(file, 'utf8'));
    expect(saved).toEqual({
      name,
      auth_ids: ['lytics', 'gigya'],
      config: {
        segment_id: 'vip',
        continuous_update: true,
        run_frequency: 'weekly',
        day_of_week: 'tuesday',
        time_of_day: '12:15',
        timezone: 'UTC',
        on_exit: 'keep',
        max_removals: 250,
        exclude_segment_ids: ['internal_only'],
        mappings: [{ score_momentum: 'lytics_momentum' }, { score_recency: 'lytics_recency' }],
        mute_webhooks: true,
      },
      quiet_time_of_day: '21:00',
      quiet_period: 6,
      quiet_timezone: 'UTC',
    });
    expect(parseJob(saved).name).toBe(name);
  });

  it('creates an authorization: the secret is hidden, verified with a call, and saved with mode 600', async () => {
    const { authorizationsFile, url } = rig.sandbox;
    const before = await authorizations();
    const token = String(before['lytics']?.['token']);
    const wrong = 'a-token-that-is-wrong';
    const person = open();
    await person.answers('Lytics authorization', KEYS.down);
    await person.answers('Name of the authorization', 'lytics');
    await person.sees('Name already in use');
    person.types(`-new${KEYS.enter}`);
    await person.answers('API token', wrong);
    await person.answers('Base URL (empty for https://api.lytics.io)', 'http://example.com');
    await person.sees('use https://');
    person.types(`${'\u007f'.repeat('http://example.com'.length)}${url}${KEYS.enter}`);
    await person.sees('✘ ');
    await person.sees('the token is wrong or has expired; correct lytics-new.token');
    await person.sees('? Not kept. What do you want to correct?');
    expect(await authorizations()).toEqual(before);

    // Only the token is asked again.
    person.types(KEYS.enter);
    await person.answers('API token', token);
    await person.sees(`✔ Lytics accepts it. Saved to ${authorizationsFile} (mode 600)`);
    expect(await authorizations()).toEqual({
      ...before,
      'lytics-new': { provider: 'lytics', token, base_url: url },
    });
    expect((await stat(authorizationsFile)).mode & 0o777).toBe(0o600);

    const name = unique('Wizard once');
    const file = join(temporaryFolder(), `${slugOf(name)}.json`);
    await person.answers('Gigya authorization');
    await person.answers('Label', name);
    await person.answers('Description (optional)');
    await person.sees('? Audience (type to search)');
    person.types('VIP cust');
    await person.sees('VIP customers – 1,234 users');
    person.types(KEYS.enter);
    await person.answers('Advanced options');
    await person.answers('Save the document as', file);
    await person.answers('Start it?', 'n');
    await person.sees('Not started. The document is saved');
    await person.sees(`create ${file}`);
    expect(await person.exited).toBe(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      name,
      auth_ids: ['lytics-new', 'gigya'],
      config: { segment_id: 'vip' },
    });
    await expect(findJob(temporal, name)).rejects.toThrow('There is no job');
    for (const secret of [token, wrong]) expect(person.screen()).not.toContain(secret);
  });

  it('overwrites no file without asking, and never the authorizations', async () => {
    const name = unique('Wizard careful');
    const folder = temporaryFolder();
    const taken = join(folder, 'taken.json');
    await writeFile(taken, 'mine');
    const link = join(folder, 'link.json');
    await symlink(rig.sandbox.authorizationsFile, link);
    const before = await readFile(rig.sandbox.authorizationsFile, 'utf8');
    const person = open();
    await person.answers('Lytics authorization');
    await person.answers('Gigya authorization');
    await person.answers('Label', name);
    await person.answers('Description (optional)');
    await person.sees('? Audience (type to search)');
    person.types('VIP cust');
    await person.sees('VIP customers – 1,234 users');
    person.types(KEYS.enter);
    await person.answers('Advanced options');
    await person.answers('Save the document as', link);
    await person.sees(`✘ ${link} is the authorizations file; choose another name`);
    await person.answers('Save the document as', taken);
    await person.answers(`Overwrite ${taken}?`);
    await person.sees(`✘ ${taken} was kept; choose another name`);
    await person.answers(`Save the document as (${slugOf(name)}-job.json)`, taken);
    await person.answers(`Overwrite ${taken}?`, 'y');
    await person.answers('Start it?', 'n');
    expect(await person.exited).toBe(1);
    expect(JSON.parse(await readFile(taken, 'utf8'))).toMatchObject({ name });
    expect(await readFile(rig.sandbox.authorizationsFile, 'utf8')).toBe(before);
  });

  it('reports immediately that the worker reads another authorizations file', async () => {
    const file = join(temporaryFolder(), 'authorizations.json');
    const person = openTerminal('src/client.ts', ['create'], { ...rig.env, AUTHORIZATIONS_FILE: file });
    // From the first choice up to the last one.
    await person.answers('Lytics authorization', KEYS.up);
    await person.sees(`The worker does not read ${file}: it runs elsewhere`);
    expect(await person.exited).toBe(1);
  });

  it('keeps the answers when a later step fails', async () => {
    const name = unique('Wizard later');
    const file = join(temporaryFolder(), 'job.json');
    const { admin } = rig.sandbox;
    const person = open();
    await person.answers('Lytics authorization');
    await person.answers('Gigya authorization');
    await person.answers('Label', name);
    await admin.patchSettings({ lytics: { tokenRevoked: true } });
    await person.answers('Description (optional)');
    await person.sees('✘ ');
    await person.sees('? Try again?');
    await admin.patchSettings({ lytics: { tokenRevoked: false } });
    person.types(KEYS.enter);
    await person.sees('? Audience (type to search)');
    person.types('VIP cust');
    await person.sees('VIP customers – 1,234 users');
    person.types(KEYS.enter);
    await person.answers('Advanced options');
    await person.answers('Save the document as', file);
    await person.answers('Start it?', 'n');
    expect(await person.exited).toBe(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ name, config: { segment_id: 'vip' } });
  });

  it('starts without any authorizations', async () => {
    const file = join(temporaryFolder(), 'authorizations.json');
    const taskQueue = unique('test');
    const worker = await startLocalWorker({ ...provided(), taskQueue, authorizationsFile: file });
    onTestFinished(() => worker.stop());
    const { lytics, gigya } = await authorizations();
    const env = { ...rig.env, TASK_QUEUE: taskQueue, AUTHORIZATIONS_FILE: file };
    const person = openTerminal('src/client.ts', ['create'], env);
    await person.answers('Lytics authorization');
    await person.answers('Name of the authorization');
    await person.answers('API token', String(lytics?.['token']));
    await person.answers('Base URL', rig.sandbox.url);
    await person.sees('✔ Lytics accepts it.');
    await person.answers('Gigya authorization');
    await person.answers('Name of the authorization');
    await person.answers('API key of the site', String(gigya?.['api_key']));
    await person.answers('Data center', KEYS.down);
    await person.answers('User key of the application', String(gigya?.['user_key']));
    await person.answers('Authenticate with');
    await person.answers('Secret key', String(gigya?.['secret_key']));
    await person.answers('Base URL (empty for https://…eu1.gigya.com)', rig.sandbox.url);
    await person.sees('✔ Gigya accepts it.');
    await person.sees('? Label');
    person.types(KEYS.ctrlC);
    await person.sees('nothing was started');
    expect(await person.exited).toBe(130);

    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      lytics: { provider: 'lytics', token: lytics?.['token'], base_url: rig.sandbox.url },
      gigya: {
        provider: 'gigya',
        api_key: gigya?.['api_key'],
        datacenter: 'eu1.gigya.com',
        user_key: gigya?.['user_key'],
        secret_key: gigya?.['secret_key'],
        base_url: rig.sandbox.url,
      },
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(person.screen()).not.toContain(lytics?.['token']);
    expect(person.screen()).not.toContain(gigya?.['secret_key']);
  });

  it('leaves nothing behind on Ctrl-C', async () => {
    const before = await readFile(rig.sandbox.authorizationsFile, 'utf8');
    const asked = open();
    await asked.answers('Lytics authorization', `${KEYS.down}${KEYS.down}`);
    await asked.answers('Name of the authorization', 'never');
    await asked.sees('? API token');
    asked.types(`half-a-sec${KEYS.ctrlC}`);
    await asked.sees('nothing was started');
    expect(await asked.exited).toBe(130);
    expect(asked.screen()).not.toContain('half-a-sec');

    // No answer yet to whether the token is good.
    const { admin, url } = rig.sandbox;
    await admin.addFaults({ match: { method: 'segments' }, action: { kind: 'silence' } });
    const waiting = open();
    await waiting.answers('Lytics authorization', `${KEYS.down}${KEYS.down}`);
    await waiting.answers('Name of the authorization', 'never');
    await waiting.answers('API token', 'a-secret-token');
    await waiting.answers('Base URL', url);
    await waiting.sees('✔ Base URL');
    await expect.poll(async () => (await admin.faults())[0]?.fired, { timeout: 10_000 }).toBeGreaterThan(0);
    waiting.types(KEYS.ctrlC);
    await waiting.sees('nothing was started');
    expect(await waiting.exited).toBe(130);
    await admin.clearFaults();

    expect(await readFile(rig.sandbox.authorizationsFile, 'utf8')).toBe(before);
    const folder = dirname(rig.sandbox.authorizationsFile);
    const drafts = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
    expect(drafts.filter((name) => name.startsWith(basename(rig.sandbox.authorizationsFile)))).toEqual([]);
  });
});
