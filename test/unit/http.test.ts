import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { type HttpOptions, NoAnswer, openHttp } from '../../src/http.ts';
import { asNoAnswer } from '../../src/noAnswer.ts';
import { type Asked, closedPort, sendJson, serve } from '../support/localServer.ts';

/** A server that answers as given, and a client for it. */
async function connect(
  answer: (asked: Asked, response: ServerResponse) => void,
  { path = '', ...options }: Partial<HttpOptions> & { path?: string } = {},
) {
  const server = await serve(answer);
  const http = openHttp(server.url + path, { connections: 4, timeoutMs: 5_000, ...options });
  onTestFinished(async () => {
    await server.close();
    await http.close();
  });
  return { server, http, get: (more = {}) => http.send({ method: 'GET', path: '/x', ...more }) };
}

describe('a request', () => {
  it('is sent unchanged, below the path of the base URL', async () => {
    const { server, http } = await connect((_, response) => sendJson(response, {}), { path: '/gateway/' });
    const path = '/accounts.search?q=%2F..%2Fa%20b';
    await http.send({ method: 'POST', path, headers: { 'x-test': 'yes' }, body: 'a=1&b=ž' });
    expect(server.asked).toMatchObject([
      { method: 'POST', path: `/gateway${path}`, headers: { 'x-test': 'yes' }, body: 'a=1&b=ž' },
    ]);
  });

  it('names this project, and asks for a reply without compression', async () => {
    const { server, get } = await connect((_, response) => sendJson(response, {}));
    await get();
    expect(server.asked[0]?.headers).toMatchObject({
      'user-agent': `${packageJson.name}/${packageJson.version}`,
      'accept-encoding': 'identity',
    });
  });

  it('is not sent when beforeSend throws; the error is passed on', async () => {
    const { server, get } = await connect((_, response) => sendJson(response, {}));
    const reason = new Error('too late');
    const beforeSend = () => {
      throw reason;
    };
    await expect(get({ beforeSend })).rejects.toBe(reason);
    await get();
    expect(server.asked).toHaveLength(1);
  });

  it('calls beforeSend when it is written, not while it waits for a socket', async () => {
    const held: ServerResponse[] = [];
    const { server, get } = await connect((_, response) => held.push(response), { connections: 1 });
    const first = get();
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const beforeSend = vi.fn();
    const second = get({ beforeSend });
    await new Promise((resolve) => setImmediate(resolve));
    expect(beforeSend).not.toHaveBeenCalled();
    const reason = new Error('lease lost while waiting');
    beforeSend.mockImplementation(() => {
      throw reason;
    });
    for (const response of held) sendJson(response, {});
    await first;
    await expect(second).rejects.toBe(reason);
    expect(server.asked).toHaveLength(1);
  });

  it('is not sent when its signal is already aborted', async () => {
    const { server, get } = await connect((_, response) => sendJson(response, {}));
    const reason = new Error('cancelled');
    await expect(get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.asked).toEqual([]);
  });

  it('ends when its signal aborts, with the reason', async () => {
    const giveUp = new AbortController();
    const reason = new Error('cancelled');
    const { get } = await connect(() => giveUp.abort(reason));
    await expect(get({ signal: giveUp.signal })).rejects.toBe(reason);
  });

  it('uses no more sockets than allowed', async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    const { get } = await connect(
      (_, response) => {
        held.push(response);
        most = Math.max(most, held.length);
        // Time for a third one to arrive.
        if (held.length === 2) {
          setTimeout(() => {
            for (const each of held.splice(0)) sendJson(each, {});
          }, 5);
        }
      },
      { connections: 2 },
    );
    await Promise.all(Array.from({ length: 12 }, () => get()));
    expect(most).toBe(2);
  });
});

describe('a reply', () => {
  it('has a status and JSON, whatever its content type', async () => {
    const { get } = await connect((_, response) => response.writeHead(404).end('{"a":[1]}'));
    expect(await get()).toMatchObject({ status: 404, json: { a: [1] }, location: undefined });
  });

  it.each([
    ["a proxy's HTML", '<html><title>502 Bad Gateway</title></html>'],
    ['empty', ''],
    ['truncated JSON', '{"errorCode":0,'],
  ])('that is %s has no JSON', async (_what, body) => {
    const { get } = await connect((_, response) => response.writeHead(502).end(body));
    expect(await get()).toMatchObject({ status: 502, json: undefined });
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    // Without zlib's header, as many servers send it.
    ['Deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['GZIP, br', (body: Buffer) => brotliCompressSync(gzipSync(body))],
    ['identity', (body: Buffer) => body],
    ['', (body: Buffer) => body],
    // A proxy that decodes a body may keep the header.
    ['gzip', (body: Buffer) => body],
  ])('that is compressed with %s is decoded, whatever its status', async (coding, compress) => {
    const { get } = await connect((_, response) => {
      response.writeHead(500, { 'content-encoding': coding }).end(compress(Buffer.from('{"a":"ž"}')));
    });
    expect(await get()).toMatchObject({ status: 500, json: { a: 'ž' } });
  });

  it('in an unknown content coding is refused without a retry', async () => {
    const { get } = await connect((_, response) => {
      response.writeHead(200, { 'content-encoding': 'compress' }).end('\x1f\x9d');
    });
    await expect(get()).rejects.toMatchObject({
      name: 'NoAnswer',
      message: expect.stringContaining('content coding "compress"'),
      passes: false,
    });
  });

  it('without a body needs no decoding', async () => {
    const { get } = await connect((_, response) =>
      response.writeHead(401, { 'content-encoding': 'gzip' }).end(),
    );
    expect(await get()).toMatchObject({ status: 401, json: undefined });
  });

  it('whose compressed body is damaged can succeed on retry', async () => {
    const { get } = await connect((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}').subarray(0, 12));
    });
    await expect(get()).rejects.toMatchObject({ name: 'NoAnswer', passes: true });
  });

  it("has the server's time", async () => {
    const date = 'Tue, 15 Nov 1994 08:12:31 GMT';
    const { get } = await connect((_, response) => sendJson(response, {}, { headers: { date } }));
    expect((await get()).date).toBe(Date.UTC(1994, 10, 15, 8, 12, 31));
  });

  it.each(['Tue, 99 Foo', ''])('with the date %j has no server time', async (date) => {
    const { get } = await connect((_, response) => sendJson(response, {}, { headers: { date } }));
    expect((await get()).date).toBeUndefined();
  });

  it.each([
    ['7', 7000],
    ['0', 0],
    ['-3', 0],
    ['1e12', 2 ** 31 - 1],
    ['Infinity', 2 ** 31 - 1],
    ['NaN', undefined],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 2 ** 31 - 1],
    ['Tue, 15 Nov 1994 08:12:31 GMT', 0],
    ['soon', undefined],
  ])('with Retry-After %j asks for a wait of %s ms', async (header, ms) => {
    const { get } = await connect((_, response) =>
      sendJson(response, {}, { headers: { 'retry-after': header } }),
    );
    expect((await get()).retryAfter).toBe(ms);
  });

  it('with a date as Retry-After asks for a wait until then', async () => {
    const at = new Date(Date.now() + 60_000).toUTCString();
    const { get } = await connect((_, response) =>
      sendJson(response, {}, { headers: { 'retry-after': at } }),
    );
    const { retryAfter } = await get();
    expect(retryAfter).toBeGreaterThan(55_000);
    expect(retryAfter).toBeLessThanOrEqual(60_000);
  });

  it.each([301, 302, 307, 308])(
    'of status %s is not followed: the credentials would go along',
    async (status) => {
      const elsewhere = await serve((_, response) => sendJson(response, {}));
      onTestFinished(() => elsewhere.close());
      const { get } = await connect((_, response) => {
        response.writeHead(status, { location: `${elsewhere.url}/taken` }).end();
      });
      expect(await get({ headers: { authorization: 'secret' } })).toMatchObject({
        status,
        location: `${elsewhere.url}/taken`,
      });
      expect(elsewhere.asked).toEqual([]);
    },
  );
});

describe('a failed request', () => {
  const timeoutMs = 80;
  const tooLate = {
    name: 'NoAnswer',
    message: expect.stringMatching(/^127\.0\.0\.1:\d+: no answer within 0\.08 s$/),
    passes: true,
  };

  it('reports that no reply arrived in time', async () => {
    const { get } = await connect(() => {}, { timeoutMs });
    await expect(get()).rejects.toMatchObject(tooLate);
  });

  it('reports a reply that never ends', async () => {
    const { get } = await connect(
      (_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 10);
        response.on('close', () => clearInterval(drip));
      },
      { timeoutMs },
    );
    await expect(get()).rejects.toMatchObject(tooLate);
  });

  it('reports a closed socket', async () => {
    const { get } = await connect((_, response) => response.destroy());
    const failure = await get().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NoAnswer);
    expect(failure).toMatchObject({ message: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/) });
  });

  it('reports a socket that was closed within the reply', async () => {
    const { get } = await connect((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"errorCode":0', () => response.destroy());
    });
    await expect(get()).rejects.toBeInstanceOf(NoAnswer);
  });

  it('reports that nothing is listening', async () => {
    const http = openHttp(`http://127.0.0.1:${await closedPort()}`, { connections: 1 });
    onTestFinished(() => http.close());
    await expect(http.send({ method: 'GET', path: '/' })).rejects.toMatchObject({
      name: 'NoAnswer',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+: .*ECONNREFUSED/),
      passes: true,
    });
  });

  it('does not shorten the timeout of the next request', async () => {
    let asked = 0;
    const { get } = await connect((_, response) => void (asked++ > 0 && sendJson(response, {})), {
      timeoutMs,
    });
    await expect(get()).rejects.toBeInstanceOf(NoAnswer);
    expect(await get()).toMatchObject({ status: 200 });
  });
});

describe('a fault', () => {
  it.each([
    [
      'untrusted',
      /^localhost:\d+: unable to verify the first certificate \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    ],
    ['expired', /^localhost:\d+: certificate has expired \(CERT_HAS_EXPIRED\)$/],
  ] as const)('does not pass when the certificate is %s', async (certificate, message) => {
    const server = await serve((_, response) => sendJson(response, {}), certificate);
    const http = openHttp(server.url, { connections: 1 });
    onTestFinished(async () => {
      await server.close();
      await http.close();
    });
    const failure = await http.send({ method: 'GET', path: '/' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'NoAnswer',
      message: expect.stringMatching(message),
      passes: false,
    });
    expect(server.asked).toEqual([]);
  });

  it('does not pass when the server does not speak TLS', async () => {
    const server = await serve((_, response) => sendJson(response, {}));
    const http = openHttp(`https://localhost:${server.port}`, { connections: 1 });
    onTestFinished(async () => {
      await server.close();
      await http.close();
    });
    const failure = await http.send({ method: 'GET', path: '/' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'NoAnswer', passes: false });
    // OpenSSL's own message spans two lines.
    expect(failure).toMatchObject({ message: expect.stringMatching(/^localhost:\d+: .+$/) });
  });

  it('does not pass when the host does not exist', async () => {
    const http = openHttp('http://nowhere.invalid', { connections: 1 });
    onTestFinished(() => http.close());
    const failure = await http.send({ method: 'GET', path: '/' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'NoAnswer', message: expect.stringContaining('nowhere.invalid') });
    // Without any network the resolver answers EAI_AGAIN, which does pass.
    const exists = failure instanceof Error && failure.message.includes('EAI_AGAIN');
    expect(failure).toMatchObject({ passes: exists });
  });

  const coded = (code: string) => asNoAnswer('host', Object.assign(new Error('it failed'), { code }));

  it.each([
    'ENOTFOUND',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_NOT_YET_VALID',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'UND_ERR_INVALID_ARG',
  ])('of code %s does not pass', (code) => {
    expect(coded(code)).toMatchObject({ message: `host: it failed (${code})`, passes: false });
  });

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_SOCKET',
    'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  ])('of code %s can pass', (code) => {
    expect(coded(code)).toMatchObject({ message: `host: it failed (${code})`, passes: true });
  });

  it('without a code is a bug and is passed on unchanged', () => {
    const mistake = new TypeError('x is not a function');
    expect(asNoAnswer('host', mistake)).toBe(mistake);
  });
});
