import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NoAnswer, openHttp } from '../../src/http.ts';
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
  it('is what a request goes through', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    expect(await get('http://gateway.invalid')).toMatchObject({ json: { through: 'the proxy' } });
    expect(proxy.tunnels).toEqual(['gateway.invalid:80']);
  });

  it('is asked for a tunnel by https, so that it sees no credentials', async () => {
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    // What is at the other end speaks no TLS.
    await expect(get('https://accounts.eu1.gigya.invalid')).rejects.toBeInstanceOf(NoAnswer);
    expect(proxy.tunnels).toEqual(['accounts.eu1.gigya.invalid:443']);
  });

  it('is left out for the hosts of NO_PROXY', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    // An address of this machine, and none of those that count as loopback.
    const host = `0.0.0.0:${server.port}`;
    await get(`http://${host}`);
    expect(proxy.tunnels).toEqual([host]);
    vi.stubEnv('NO_PROXY', 'internal.invalid,0.0.0.0');
    expect(await get(`http://${host}`)).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([host]);
  });

  it('is left out for loopback hosts, which it could not reach', async () => {
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await get(server.url)).toMatchObject({ status: 200 });
    expect(await get(server.url.replace('127.0.0.1', 'localhost'))).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([]);
  });

  it('that does not answer is no answer', async () => {
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${await closedPort()}`);
    await expect(get('http://gateway.invalid')).rejects.toThrow(/ECONNREFUSED/);
  });
});
