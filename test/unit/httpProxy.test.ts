import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NoAnswer, openHttp } from '../../src/http.ts';
import { readProxies } from '../../src/proxies.ts';
import { closedPort, type LocalServer, sendJson, serve } from '../support/localServer.ts';
import { type LocalProxy, startProxy } from '../support/proxy.ts';

let server: LocalServer;
let proxy: LocalProxy;
beforeAll(async () => {
  server = await serve((_, response) => sendJson(response, { through: 'the proxy' }));
  proxy = await startProxy(server.port);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(() => {
  proxy.tunnels.length = 0;
  proxy.refuse(undefined);
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'])
    vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function get(baseUrl: string) {
  const http = openHttp(baseUrl, { connections: 2, timeoutMs: 5_000 });
  onTestFinished(() => http.close());
  return http.send({ method: 'GET', path: '/x' });
}

describe('a proxy in the environment', () => {
  it('carries the requests', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    expect(await get('http://gateway.invalid')).toMatchObject({ json: { through: 'the proxy' } });
    expect(proxy.tunnels).toEqual(['gateway.invalid:80']);
  });

  it('may be given without a scheme', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url.replace('http://', ''));
    expect(await get('http://gateway.invalid')).toMatchObject({ json: { through: 'the proxy' } });
  });

  it('opens a tunnel for https, so that it does not see the credentials', async () => {
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    // The server at the other end does not speak TLS.
    await expect(get('https://accounts.eu1.gigya.invalid')).rejects.toBeInstanceOf(NoAnswer);
    expect(proxy.tunnels).toEqual(['accounts.eu1.gigya.invalid:443']);
  });

  it('is not used for the hosts in NO_PROXY', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    // An address of this machine that does not count as loopback.
    const host = `0.0.0.0:${server.port}`;
    await get(`http://${host}`);
    expect(proxy.tunnels).toEqual([host]);
    vi.stubEnv('NO_PROXY', 'internal.invalid,0.0.0.0');
    expect(await get(`http://${host}`)).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([host]);
  });

  it('is not used for loopback hosts, which it could not reach', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await get(server.url)).toMatchObject({ status: 200 });
    expect(await get(server.url.replace('127.0.0.1', 'localhost'))).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([]);
  });

  it('that is down is a fault that can pass', async () => {
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${await closedPort()}`);
    await expect(get('http://gateway.invalid')).rejects.toMatchObject({
      name: 'NoAnswer',
      message: expect.stringMatching(/^gateway\.invalid: .*ECONNREFUSED/),
      passes: true,
    });
  });

  it.each([
    [403, false],
    [407, false],
    [502, true],
  ])('that refuses a tunnel with %s: passes is %s', async (status, passes) => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    proxy.refuse(status);
    await expect(get('http://gateway.invalid')).rejects.toMatchObject({
      name: 'NoAnswer',
      message: `gateway.invalid: the proxy rejected the connection (HTTP ${status})`,
      passes,
    });
  });
});

describe('the proxy variables', () => {
  it('may be missing or empty', () => {
    expect(readProxies({ HTTP_PROXY: '', HTTPS_PROXY: ' ' })).toEqual({});
  });

  it('mean http when they have no scheme', () => {
    expect(readProxies({ HTTPS_PROXY: 'proxy.corp:3128', HTTP_PROXY: 'me:secret@proxy.corp' })).toEqual({
      httpsProxy: 'http://proxy.corp:3128',
      httpProxy: 'http://me:secret@proxy.corp',
    });
  });

  it('take precedence in lower case', () => {
    const env = { HTTPS_PROXY: 'http://upper.corp', https_proxy: 'http://lower.corp' };
    expect(readProxies(env)).toEqual({ httpsProxy: 'http://lower.corp' });
  });

  it.each(['socks5://proxy.corp', 'ftp://proxy.corp', 'http://', 'http://proxy corp'])(
    'are refused by name when they are %j',
    (value) => {
      const message = 'https_proxy: must be a URL such as http://proxy.example.com:3128';
      expect(() => readProxies({ https_proxy: value })).toThrow(message);
    },
  );
});
