import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type HttpOptions, NoAnswer, openHttp } from '../../src/http.ts';
import { type Asked, closedPort, sendJson, serve } from '../support/localServer.ts';

/** A server that answers so, and a client that speaks to it. */
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
  it('goes out as it is given, below the path of the base URL', async () => {
    const { server, http } = await connect((_, response) => sendJson(response, {}), { path: '/gateway/' });
    const path = '/accounts.search?q=%2F..%2Fa%20b';
    await http.send({ method: 'POST', path, headers: { 'x-test': 'yes' }, body: 'a=1&b=ž' });
    expect(server.asked).toMatchObject([
      { method: 'POST', path: `/gateway${path}`, headers: { 'x-test': 'yes' }, body: 'a=1&b=ž' },
    ]);
  });

  it('is kept from being sent by a throw of beforeSend, which is thrown on', async () => {
    const { server, get } = await connect((_, response) => sendJson(response, {}));
    const reason = new Error('too late');
    const beforeSend = () => {
      throw reason;
    };
    await expect(get({ beforeSend })).rejects.toBe(reason);
    await get();
    expect(server.asked).toHaveLength(1);
  });

  it('that waits for a socket asks beforeSend when it is written, and not before', async () => {
    const held: ServerResponse[] = [];
    let hasAsked: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      hasAsked = resolve;
    });
    const { server, get } = await connect(
      (_, response) => {
        held.push(response);
        hasAsked();
      },
      { connections: 1 },
    );
    const one = get();
    await asked;
    const over = new Error('over meanwhile');
    let isOver = false;
    const beforeSend = vi.fn(() => {
      if (isOver) throw over;
    });
    const two = get({ beforeSend });
    await new Promise(setImmediate);
    expect(beforeSend).not.toHaveBeenCalled();
    isOver = true;
    for (const response of held) sendJson(response, {});
    await one;
    await expect(two).rejects.toBe(over);
    expect(server.asked).toHaveLength(1);
  });

  it('asks beforeSend when it goes on the wire, and not while it waits for a connection', async () => {
    const held: ServerResponse[] = [];
    const { server, get } = await connect((_, response) => held.push(response), { connections: 1 });
    const first = get();
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const beforeSend = vi.fn();
    const second = get({ beforeSend });
    await new Promise((resolve) => setImmediate(resolve));
    expect(beforeSend).not.toHaveBeenCalled();
    const reason = new Error('too late by now');
    beforeSend.mockImplementation(() => {
      throw reason;
    });
    for (const response of held) sendJson(response, {});
    await first;
    await expect(second).rejects.toBe(reason);
    expect(server.asked).toHaveLength(1);
  });

  it('is not sent once its signal has aborted', async () => {
    const { server, get } = await connect((_, response) => sendJson(response, {}));
    const reason = new Error('cancelled');
    await expect(get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.asked).toEqual([]);
  });

  it('is given up when its signal aborts, with the reason', async () => {
    const giveUp = new AbortController();
    const reason = new Error('cancelled');
    const { get } = await connect(() => giveUp.abort(reason));
    await expect(get({ signal: giveUp.signal })).rejects.toBe(reason);
  });

  it('takes no more sockets than allowed', async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    const { get } = await connect(
      (_, response) => {
        held.push(response);
        most = Math.max(most, held.length);
        // A third one would come in meanwhile.
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
  it('is its status and its JSON, whatever its type says', async () => {
    const { get } = await connect((_, response) => response.writeHead(404).end('{"a":[1]}'));
    expect(await get()).toMatchObject({ status: 404, json: { a: [1] }, location: undefined });
  });

  it.each([
    ["a proxy's HTML", '<html><title>502 Bad Gateway</title></html>'],
    ['nothing', ''],
    ['half of a JSON text', '{"errorCode":0,'],
  ])('that is %s holds no JSON', async (_what, body) => {
    const { get } = await connect((_, response) => response.writeHead(502).end(body));
    expect(await get()).toMatchObject({ status: 502, json: undefined });
  });

  it("tells the other side's clock", async () => {
    const date = 'Tue, 15 Nov 1994 08:12:31 GMT';
    const { get } = await connect((_, response) => sendJson(response, {}, { headers: { date } }));
    expect((await get()).date).toBe(Date.UTC(1994, 10, 15, 8, 12, 31));
  });

  it.each([
    ['7', 7000],
    ['0', 0],
    ['-3', 0],
    ['Tue, 15 Nov 1994 08:12:31 GMT', 0],
    ['soon', undefined],
  ])('with Retry-After %j asks to wait %s ms', async (header, ms) => {
    const { get } = await connect((_, response) =>
      sendJson(response, {}, { headers: { 'retry-after': header } }),
    );
    expect((await get()).retryAfter).toBe(ms);
  });

  it('with a Retry-After that is a date asks to wait until then', async () => {
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

describe('no answer', () => {
  const timeoutMs = 80;

  it('is when none comes within the time', async () => {
    const { get } = await connect(() => {}, { timeoutMs });
    await expect(get()).rejects.toThrow(new NoAnswer('no answer within 0.08 s'));
  });

  it('is when an answer drips on and on', async () => {
    const { get } = await connect(
      (_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 10);
        response.on('close', () => clearInterval(drip));
      },
      { timeoutMs },
    );
    await expect(get()).rejects.toThrow(new NoAnswer('no answer within 0.08 s'));
  });

  it('is when the socket is cut', async () => {
    const { get } = await connect((_, response) => response.destroy());
    const failure = await get().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NoAnswer);
    expect(failure).toMatchObject({ message: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/) });
  });

  it('is when the socket is cut in the midst of the answer', async () => {
    const { get } = await connect((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"errorCode":0', () => response.destroy());
    });
    await expect(get()).rejects.toBeInstanceOf(NoAnswer);
  });

  it('is when nobody listens', async () => {
    const http = openHttp(`http://127.0.0.1:${await closedPort()}`, { connections: 1 });
    onTestFinished(() => http.close());
    await expect(http.send({ method: 'GET', path: '/' })).rejects.toThrow(/ECONNREFUSED/);
    await expect(http.send({ method: 'GET', path: '/' })).rejects.toBeInstanceOf(NoAnswer);
  });

  it('leaves the next request its time', async () => {
    let asked = 0;
    const { get } = await connect((_, response) => void (asked++ > 0 && sendJson(response, {})), {
      timeoutMs,
    });
    await expect(get()).rejects.toBeInstanceOf(NoAnswer);
    expect(await get()).toMatchObject({ status: 200 });
  });
});
