import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 5 });
  calls = callsOf(sandbox);
});
afterAll(() => sandbox.stop());

const path = '/v2/job/gigya-export';
const send = (method: string, to: string, body: unknown) =>
  calls.lytics(to, { method, body: typeof body === 'string' ? body : JSON.stringify(body) });
const hex = expect.stringMatching(/^[0-9a-f]{32}$/);

test('a job has all of the keys that Lytics returns, and empty strings for defaults', async () => {
  const job = await sandbox.admin.addJob({
    name: 'VIPs',
    config: { segment_id: 'vip', continuous_update: true, time_of_day: '02:00' },
  });
  const { status, body } = await calls.lytics(`${path}/${job.id}`);
  expect(status).toBe(200);
  expect(body).toEqual({
    status: 200,
    request_id: hex,
    data: {
      name: 'VIPs',
      description: '',
      auth_ids: [hex],
      config: {
        segment_id: 'vip',
        gigya_id_field: '',
        target_storage: '',
        continuous_update: true,
        time_of_day: '2:00am',
        timezone: '',
      },
      id: job.id,
      account_id: hex,
      workflow: 'gigya-export',
      workflow_id: hex,
      status: 'running',
      user_id: hex,
      created: expect.any(String),
      updated: expect.any(String),
      deleted: false,
      hidden: false,
      verbose_logging: false,
      meta: {},
      expires_at: '',
      monitoring: {},
      anomaly_rule: {},
      api_token_auth_id: '',
      sleep_until: '',
      quiet_time_of_day: '',
      quiet_timezone: '',
      quiet_period: 0,
      drop_events_during_quiet_window: false,
    },
  });
  expect(await sandbox.admin.jobs()).toEqual([body.data]);
});

test.each([
  ['00:05', '12:05am'],
  ['12:30', '12:30pm'],
  ['23:59', '11:59pm'],
  ['2:00pm', '2:00pm'],
  ['', ''],
])('the time %s is returned as "%s"', async (time, shown) => {
  const created = await send('POST', path, {
    name: 'Timed',
    config: { time_of_day: time },
    quiet_time_of_day: time,
  });
  expect(created.body.data).toMatchObject({ config: { time_of_day: shown }, quiet_time_of_day: shown });
});

test.each(['PUT', 'POST'])('%s changes what may be changed', async (verb) => {
  const job = await sandbox.admin.addJob({
    name: 'Before',
    config: { segment_id: 'vip', timezone: 'Asia/Tokyo' },
  });
  const change = {
    name: 'After',
    id: 'other',
    account_id: 'other',
    config: { timezone: '' },
    quiet_period: 8,
  };
  const { body } = await send(verb, `${path}/${job.id}`, change);
  expect(body.data).toMatchObject({
    id: job.id,
    account_id: job.account_id,
    name: 'After',
    config: { segment_id: 'vip', timezone: '' },
    quiet_period: 8,
  });
  expect((await calls.lytics(`${path}/${job.id}`)).body.data).toEqual(body.data);
});

test('jobs are listed; an unknown one is a 404, a wrong one is refused', async () => {
  const list = async (query: string) => (await calls.lytics(`/v2/job?${query}`)).body.data;
  const all = await sandbox.admin.jobs();
  expect(await list('workflow=gigya-export')).toEqual(all);
  expect(await list('workflow=braze-export')).toEqual([]);
  // The name of the workflow is read as an id.
  expect((await calls.lytics(path)).status).toBe(404);
  expect((await calls.lytics(`/v2/job/${all[0]?.id}`)).body.data).toEqual(all[0]);
  const done = await sandbox.admin.addJob({ name: 'Done', status: 'completed' });
  expect(await list('')).toEqual(all);
  expect(await list('show_completed=true')).toEqual([...all, done]);
  expect(await list('show_all=true')).toEqual([...all, done]);
  expect((await calls.lytics(`${path}/none`)).body).toMatchObject({ status: 404, errors: [{ code: 404 }] });
  expect((await send('PUT', `${path}/none`, {})).status).toBe(404);
  expect((await send('POST', path, 'no JSON')).status).toBe(400);
  expect((await send('POST', path, { auth_ids: ['gigya', 'lytics'] })).status).toBe(422);
  await expect(sandbox.admin.addJob({ config: 'vip' })).rejects.toThrow('422');
});
