import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';
import { callsOf } from './calls.ts';

let sandbox: Sandbox;
let calls: ReturnType<typeof callsOf>;
let url: string;
const received: unknown[] = [];
const endpoint = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  received.push(JSON.parse(Buffer.concat(chunks).toString()));
  response.writeHead(request.url === '/broken' ? 500 : 200).end();
});
beforeAll(async () => {
  sandbox = await startSandbox({ users: 5 });
  calls = callsOf(sandbox);
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const address = endpoint.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  endpoint.close();
  endpoint.closeAllConnections();
  await sandbox.stop();
});

const webhooks = async () => (await sandbox.admin.stats()).webhooks;

test('one POST per write, unless the write mutes it', async () => {
  const [uid = ''] = Object.keys((await sandbox.admin.truth()).expected);
  const write = (form: Record<string, string> = {}) =>
    calls.gigya('accounts.setAccountInfo', { UID: uid, data: '{"a":1}', ...form });
  await write();
  expect(await webhooks()).toEqual({ delivered: 0, failed: 0, muted: 0 });

  await sandbox.admin.patchSettings({ gigya: { webhookUrl: url } });
  const { body } = await write();
  await write({ muteWebhooks: 'true' });
  await write({ UID: 'nobody' });
  await expect.poll(webhooks).toEqual({ delivered: 1, failed: 0, muted: 1 });
  expect(received).toMatchObject([
    { events: [{ type: 'accountUpdated', callId: body.callId, data: { uid } }] },
  ]);

  await sandbox.admin.patchSettings({ gigya: { webhookUrl: `${url}/broken` } });
  await write();
  await expect.poll(webhooks).toEqual({ delivered: 1, failed: 1, muted: 1 });
});

test('webhooks are sent to loopback only', async () => {
  await expect(
    sandbox.admin.patchSettings({ gigya: { webhookUrl: 'https://example.com/hook' } }),
  ).rejects.toThrow('loopback');
});
