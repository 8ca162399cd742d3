import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuthorizationError, isLoopback, readAuthorizations } from '../../src/authorizations.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const lytics = { provider: 'lytics', token: 'env:LYTICS_TOKEN' };
const gigya = {
  provider: 'gigya',
  api_key: '3_abc',
  datacenter: 'eu1.gigya.com',
  user_key: 'AKabc',
  secret_key: 'file:/run/secrets/gigya',
};

function fileWith(content: unknown): string {
  const file = join(temporaryFolder(), 'authorizations.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

async function problemsOf(content: unknown): Promise<string> {
  const file = fileWith(content);
  const refusal = await readAuthorizations(file).catch((error: unknown) => error);
  if (!(refusal instanceof AuthorizationError)) throw new Error('It was not refused');
  expect(refusal.message).toContain(`The authorizations file ${file} is not valid:\n`);
  return refusal.message.split('\n').slice(1).join('\n').replace(/^ {2}/gm, '');
}

describe('the authorizations file', () => {
  it('names credentials of both providers; what is left out has a default', async () => {
    expect(await readAuthorizations(fileWith({ lytics, gigya }))).toEqual({
      lytics: { provider: 'lytics', token: 'env:LYTICS_TOKEN', base_url: 'https://api.lytics.io' },
      gigya: {
        ...gigya,
        authentication: 'secret',
        limits: { calls_per_second: 120, searches_per_second: 10, connections: 20 },
        index_lag_seconds: 30,
      },
    });
  });

  it('keeps what it says', async () => {
    const { secret_key: _, ...withoutSecret } = gigya;
    const full = {
      'Lytics (test)': { ...lytics, base_url: 'https://gateway.example.com/lytics' },
      rsa: {
        ...withoutSecret,
        private_key: 'file:key.pem',
        base_url: 'http://127.0.0.1:8080',
        authentication: 'secret',
        limits: { calls_per_second: 0.5, searches_per_second: 50, connections: 500 },
        index_lag_seconds: 0,
      },
      signed: { ...gigya, authentication: 'signature' },
    };
    expect(await readAuthorizations(fileWith(full))).toMatchObject(full);
  });

  it.each([
    ['us1', 'us1.gigya.com'],
    ['eu2.gigya.com', 'eu2.gigya.com'],
    ['au1', 'au1.gigya.com'],
    ['cn1', 'cn1.sapcdm.cn'],
    ['global', 'global.gigya.com'],
  ])('takes %s for the data centre %s', async (datacenter, host) => {
    const read = await readAuthorizations(fileWith({ gigya: { ...gigya, datacenter } }));
    expect(read['gigya']).toMatchObject({ datacenter: host });
  });

  it('needs no data centre where a base URL takes its place', async () => {
    const { datacenter: _, ...rest } = gigya;
    const read = await readAuthorizations(
      fileWith({ gigya: { ...rest, base_url: 'https://gw.example.com/' } }),
    );
    expect(read['gigya']).toMatchObject({ base_url: 'https://gw.example.com' });
  });

  it('may be empty: a worker can start before it has credentials', async () => {
    expect(await readAuthorizations(fileWith({}))).toEqual({});
  });
});

describe('a base URL', () => {
  it.each([
    'https://gateway.example.com',
    'https://gateway.example.com:8443/lytics',
    'http://localhost:9000',
    'http://127.0.0.1:9000',
    'http://127.1.2.3',
    'http://[::1]:9000',
  ])('may be %s', async (base_url) => {
    const read = await readAuthorizations(fileWith({ lytics: { ...lytics, base_url } }));
    expect(read['lytics']).toMatchObject({ base_url });
  });

  const plain = 'use https:// (plain http:// is accepted for loopback hosts only, since the secret travels)';
  it.each([
    ['gateway.example.com', 'use a URL, such as "https://gateway.example.com"'],
    ['http://gateway.example.com', plain],
    ['http://localhost.example.com', plain],
    ['http://127.0.0.1.example.com', plain],
    ['http://10.0.0.1', plain],
    ['http://0.0.0.0', plain],
    ['ftp://localhost', plain],
    ['https://name:pass@gateway.example.com', 'use a URL without credentials, "?" and "#"'],
    ['https://gateway.example.com/?key=1', 'use a URL without credentials, "?" and "#"'],
    ['https://gateway.example.com/#top', 'use a URL without credentials, "?" and "#"'],
    ['', 'use a text that is not empty'],
  ])('may not be %j', async (base_url, problem) => {
    const refused = await problemsOf({ lytics: { ...lytics, base_url }, gigya: { ...gigya, base_url } });
    expect(refused.split('\n')).toContain(`lytics.base_url: ${problem}`);
    expect(refused.split('\n')).toContain(`gigya.base_url: ${problem}`);
  });

  it('is of a loopback host only when the whole name is', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '[::1]'].filter((host) => !isLoopback(host))).toEqual([]);
    expect(
      ['localhost.evil.com', '127.0.0.1.evil.com', 'evil127.0.0.1', '[::2]', ''].filter(isLoopback),
    ).toEqual([]);
  });
});

describe('an authorizations file is refused with the setting and the fix', () => {
  const centres =
    'us1.gigya.com, eu1.gigya.com, au1.gigya.com, eu2.gigya.com, cn1.sapcdm.cn, global.gigya.com';
  const one = 'give either secret_key or private_key (RSA bearer), and only one of them';
  const without = (setting: keyof typeof gigya) => ({ ...gigya, [setting]: undefined });
  it.each<[what: string, content: unknown, problem: string]>([
    ['a list', [lytics], 'document: use a JSON object: {"name": {"provider": …}, …}'],
    ['a text for credentials', { lytics: 'token' }, 'lytics: use a JSON object: {…}'],
    ['no provider', { a: { token: 'x' } }, 'a.provider: use "lytics" or "gigya"'],
    ['another provider', { a: { ...lytics, provider: 'segment' } }, 'a.provider: use "lytics" or "gigya"'],
    ['no token', { lytics: { provider: 'lytics' } }, 'lytics.token: missing; use a text'],
    ['an empty token', { lytics: { ...lytics, token: ' ' } }, 'lytics.token: use a text that is not empty'],
    ['a number for a token', { lytics: { ...lytics, token: 5 } }, 'lytics.token: use a text'],
    ['no API key', { gigya: without('api_key') }, 'gigya.api_key: missing; use a text'],
    ['a number for an API key', { gigya: { ...gigya, api_key: 3 } }, 'gigya.api_key: use a text'],
    ['no user key', { gigya: without('user_key') }, 'gigya.user_key: missing; use a text'],
    ['no secret', { gigya: without('secret_key') }, `gigya.secret_key: ${one}`],
    ['two secrets', { gigya: { ...gigya, private_key: 'file:key.pem' } }, `gigya.secret_key: ${one}`],
    ['no data centre', { gigya: without('datacenter') }, `gigya.datacenter: missing; use one of ${centres}`],
    [
      'another data centre',
      { gigya: { ...gigya, datacenter: 'eu9' } },
      `gigya.datacenter: use one of ${centres}`,
    ],
    [
      'another authentication',
      { gigya: { ...gigya, authentication: 'oauth' } },
      'gigya.authentication: use "secret" or "signature"',
    ],
    [
      'no calls at all',
      { gigya: { ...gigya, limits: { calls_per_second: 0 } } },
      'gigya.limits.calls_per_second: use a number above 0',
    ],
    [
      'a text for a rate',
      { gigya: { ...gigya, limits: { searches_per_second: '10' } } },
      'gigya.limits.searches_per_second: use a number',
    ],
    [
      'no connections',
      { gigya: { ...gigya, limits: { connections: 0 } } },
      'gigya.limits.connections: use a number from 1 to 500',
    ],
    [
      'too many connections',
      { gigya: { ...gigya, limits: { connections: 501 } } },
      'gigya.limits.connections: use a number from 1 to 500',
    ],
    [
      'half a connection',
      { gigya: { ...gigya, limits: { connections: 1.5 } } },
      'gigya.limits.connections: use a whole number',
    ],
    [
      'an unknown limit',
      { gigya: { ...gigya, limits: { calls: 5 } } },
      'gigya.limits.calls: not a known setting; remove it or correct its spelling',
    ],
    [
      'a negative lag',
      { gigya: { ...gigya, index_lag_seconds: -1 } },
      'gigya.index_lag_seconds: use 0 or more',
    ],
    [
      'an unknown setting',
      { lytics: { ...lytics, api_key: 'x' } },
      'lytics.api_key: not a known setting; remove it or correct its spelling',
    ],
    ['an empty name', { '': lytics }, 'document: use names that are not empty'],
  ])('%s', async (_what, content, problem) => {
    expect(await problemsOf(content)).toBe(problem);
  });

  it('when it is not there', async () => {
    const file = join(temporaryFolder(), 'none.json');
    await expect(readAuthorizations(file)).rejects.toThrow(
      new AuthorizationError(
        `The authorizations file ${file} could not be read (ENOENT); create it, or set AUTHORIZATIONS_FILE to its path`,
      ),
    );
  });

  it('when it is no JSON', async () => {
    const file = fileWith('{"lytics": {"provider": "lytics", "token": "a-secret"');
    await expect(readAuthorizations(file)).rejects.toThrow(
      new AuthorizationError(`The authorizations file ${file} is not JSON; correct it`),
    );
  });
});
