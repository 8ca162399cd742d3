import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ users: 5 });
});
afterAll(() => sandbox.stop());

/** A bare request: `fetch` would decode the reply, and send an Accept-Encoding of its own. */
async function ask(path: string, acceptEncoding?: string) {
  const headers = {
    authorization: sandbox.authorizations.lytics.token,
    ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
  };
  const sent = request(`${sandbox.url}${path}`, {
    method: path.startsWith('/acc') ? 'POST' : 'GET',
    headers,
  });
  sent.end();
  const [response]: IncomingMessage[] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response ?? []) chunks.push(chunk);
  return { coding: response?.headers['content-encoding'], body: Buffer.concat(chunks) };
}

const decode = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
const codings = ['gzip', 'deflate', 'br'] as const;

describe.each(['/api/segment/vip', '/accounts.getSchema'])('%s', (path) => {
  test.each(codings)('is compressed with %s where the request permits it', async (compress) => {
    await sandbox.admin.patchSettings({ compress, compressUnasked: false });
    for (const header of [compress, `identity;q=0.5, ${compress.toUpperCase()};q=0.2`, '*']) {
      const { coding, body } = await ask(path, header);
      expect(coding).toBe(compress);
      expect(JSON.parse(decode[compress](body).toString())).toBeTypeOf('object');
    }
    for (const header of [undefined, 'identity', '', `${compress};q=0, *`]) {
      const { coding, body } = await ask(path, header);
      expect(coding).toBeUndefined();
      expect(JSON.parse(body.toString())).toBeTypeOf('object');
    }
  });

  test('is compressed without Accept-Encoding when the setting requires it, but never against the header', async () => {
    await sandbox.admin.patchSettings({ compress: 'gzip', compressUnasked: true });
    expect((await ask(path)).coding).toBe('gzip');
    expect((await ask(path, 'identity')).coding).toBeUndefined();
    await sandbox.admin.patchSettings({ compress: 'none' });
    expect((await ask(path)).coding).toBeUndefined();
  });
});

test('the admin endpoints are not compressed', async () => {
  await sandbox.admin.patchSettings({ compress: 'gzip', compressUnasked: true });
  expect((await ask('/admin/info', 'gzip')).coding).toBeUndefined();
});
