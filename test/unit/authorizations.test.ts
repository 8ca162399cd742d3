import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuthorizationError, readAuthorizations } from '../../src/authorizations.ts';
import { isLoopback } from '../../src/urls.ts';
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
  it('has credentials of both providers; omitted settings have a default', async () => {
    expect(await readAuthorizations(fileWith({ lytics, gigya }))).toEqual({
      lytics: {
        provider: 'lytics',
        token: 'env:LYTICS_TOKEN',
        base_url: 'https://api.lytics.io',
        limits: { lanes: 'auto' },
      },
      gigya: {
        ...gigya,
        authentication: 'secret',
        limits: { calls_per_second: 120, searches_per_second: 10, connections: 'auto' },
        index_lag_seconds: 30,
      },
    });
  });

  it('keeps every setting', async () => {
    const { secret_key: _, ...withoutSecret } = gigya;
    const full = {
      'Lytics (test)': { ...lytics, base_url: 'https://gateway.example.com/lytics', limits: { lanes: 4 } },
      rsa: {
        ...withoutSecret,
        private_key: 'file:key.pem',
        base_url: 'http://127.0.0.1:8080',
        authentication: 'secret',
        limits: { calls_per_second: 0.5, searches_per_second: 50, connections: 256 },
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
  ])('accepts %s as the data center %s', async (datacenter, host) => {
    const read = await readAuthorizations(fileWith({ gigya: { ...gigya, datacenter } }));
    expect(read['gigya']).toMatchObject({ datacenter: host });
  });

  it('needs no data center with a base URL', async () => {
    const { datacenter: _, ...rest } = gigya;
    const read = await readAuthorizations(
      fileWith({ gigya: { ...rest, base_url: 'https://gw.example.com/' } }),
    );
    expect(read['gigya']).toMatchObject({ base_url: 'https://gw.example.com' });
  });

  it('may start with a byte order mark', async () => {
    const read = await readAuthorizations(fileWith(`\ufeff${JSON.stringify({ gigya })}`));
    expect(Object.keys(read)).toEqual(['gigya']);
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

  const plain =
    'must use https:// (plain http:// is accepted for loopback hosts only, since secrets are sent)';
  it.each([
    ['gateway.example.com', 'must be a URL, such as "https://gateway.example.com"'],
    ['http://gateway.example.com', plain],
    ['http://localhost.example.com', plain],
    ['http://127.0.0.1.example.com', plain],
    ['http://10.0.0.1', plain],
    ['http://0.0.0.0', plain],
    ['ftp://localhost', plain],
    ['https://name:pass@gateway.example.com', 'must be a URL without credentials, "?" and "#"'],
    ['https://gateway.example.com/?key=1', 'must be a URL without credentials, "?" and "#"'],
    ['https://gateway.example.com/#top', 'must be a URL without credentials, "?" and "#"'],
    ['', 'must not be empty'],
  ])('may not be %j', async (base_url, problem) => {
    const refused = await problemsOf({ lytics: { ...lytics, base_url }, gigya: { ...gigya, base_url } });
    expect(refused.split('\n')).toContain(`lytics.base_url: ${problem}`);
    expect(refused.split('\n')).toContain(`gigya.base_url: ${problem}`);
  });

  it('is on a loopback host only if the whole host name is', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '[::1]'].filter((host) => !isLoopback(host))).toEqual([]);
    expect(
      ['localhost.evil.com', '127.0.0.1.evil.com', 'evil127.0.0.1', '[::2]', ''].filter(isLoopback),
    ).toEqual([]);
  });
});

describe('an authorizations file is refused with the setting and the fix', () => {
  const centres =
    'us1.gigya.com, eu1.gigya.com, au1.gigya.com, eu2.gigya.com, cn1.sapcdm.cn, global.gigya.com';
  const one = 'set either secret_key or private_key (RSA bearer), not both';
  const without = (setting: keyof typeof gigya) => ({ ...gigya, [setting]: undefined });
  it.each<[what: string, content: unknown, problem: string]>([
    ['a list', [lytics], 'document: must be a JSON object: {"name": {"provider": …}, …}'],
    ['a string as credentials', { lytics: 'token' }, 'lytics: must be a JSON object: {…}'],
    ['no provider', { a: { token: 'x' } }, 'a.provider: must be "lytics" or "gigya"'],
    [
      'another provider',
      { a: { ...lytics, provider: 'segment' } },
      'a.provider: must be "lytics" or "gigya"',
    ],
    ['no token', { lytics: { provider: 'lytics' } }, 'lytics.token: missing; it must be a string'],
    ['an empty token', { lytics: { ...lytics, token: ' ' } }, 'lytics.token: must not be empty'],
    ['a number as token', { lytics: { ...lytics, token: 5 } }, 'lytics.token: must be a string'],
    ['no API key', { gigya: without('api_key') }, 'gigya.api_key: missing; it must be a string'],
    ['a number as API key', { gigya: { ...gigya, api_key: 3 } }, 'gigya.api_key: must be a string'],
    ['no user key', { gigya: without('user_key') }, 'gigya.user_key: missing; it must be a string'],
    ['no secret', { gigya: without('secret_key') }, `gigya.secret_key: ${one}`],
    ['two secrets', { gigya: { ...gigya, private_key: 'file:key.pem' } }, `gigya.secret_key: ${one}`],
    [
      'no data center',
      { gigya: without('datacenter') },
      `gigya.datacenter: missing; it must be one of ${centres}`,
    ],
    [
      'another data center',
      { gigya: { ...gigya, datacenter: 'eu9' } },
      `gigya.datacenter: must be one of ${centres}`,
    ],
    [
      'another authentication',
      { gigya: { ...gigya, authentication: 'oauth' } },
      'gigya.authentication: must be "secret" or "signature"',
    ],
    [
      'no calls at all',
      { gigya: { ...gigya, limits: { calls_per_second: 0 } } },
      'gigya.limits.calls_per_second: must be 0.001 or more',
    ],
    [
      'a string as rate',
      { gigya: { ...gigya, limits: { searches_per_second: '10' } } },
      'gigya.limits.searches_per_second: must be a number',
    ],
    [
      'no connections',
      { gigya: { ...gigya, limits: { connections: 0 } } },
      'gigya.limits.connections: must be "auto" or a whole number from 1 to 256',
    ],
    [
      'too many connections',
      { gigya: { ...gigya, limits: { connections: 257 } } },
      'gigya.limits.connections: must be "auto" or a whole number from 1 to 256',
    ],
    [
      'connections by another word',
      { gigya: { ...gigya, limits: { connections: 'automatic' } } },
      'gigya.limits.connections: must be "auto" or a whole number from 1 to 256',
    ],
    [
      'half a connection',
      { gigya: { ...gigya, limits: { connections: 1.5 } } },
      'gigya.limits.connections: must be "auto" or a whole number from 1 to 256',
    ],
    [
      'too many lanes',
      { lytics: { ...lytics, limits: { lanes: 11 } } },
      'lytics.limits.lanes: must be "auto" or a whole number from 1 to 10',
    ],
    [
      "a limit of Gigya's for Lytics",
      { lytics: { ...lytics, limits: { connections: 5 } } },
      'lytics.limits.connections: unknown setting; remove it',
    ],
    [
      'an unknown limit',
      { gigya: { ...gigya, limits: { calls: 5 } } },
      'gigya.limits.calls: unknown setting; did you mean gigya.limits.calls_per_second?',
    ],
    [
      'a negative lag',
      { gigya: { ...gigya, index_lag_seconds: -1 } },
      'gigya.index_lag_seconds: must be from 0 to 3600 seconds',
    ],
    [
      'a lag of milliseconds',
      { gigya: { ...gigya, index_lag_seconds: 30_000 } },
      'gigya.index_lag_seconds: must be from 0 to 3600 seconds',
    ],
    [
      'an unknown setting',
      { lytics: { ...lytics, api_key: 'x' } },
      'lytics.api_key: unknown setting; remove it',
    ],
    [
      'misspelt settings',
      { gigya: { ...gigya, datacentre: 'eu1', limits: { connection: 5 } }, lytics: { ...lytics, Token: '' } },
      'gigya.limits.connection: unknown setting; did you mean gigya.limits.connections?\ngigya.datacentre: unknown setting; did you mean gigya.datacenter?\nlytics.Token: unknown setting; did you mean lytics.token?',
    ],
    [
      'a limit in the wrong place',
      { gigya: { ...gigya, connections: 5 } },
      'gigya.connections: unknown setting; did you mean gigya.limits.connections?',
    ],
    ['an empty name', { '': lytics }, 'document: the name of an authorization must not be empty'],
  ])('%s', async (_what, content, problem) => {
    expect(await problemsOf(content)).toBe(problem);
  });

  it('when it is missing', async () => {
    const file = join(temporaryFolder(), 'none.json');
    await expect(readAuthorizations(file)).rejects.toThrow(
      new AuthorizationError(
        `The authorizations file ${file} could not be read (ENOENT); create it, or set AUTHORIZATIONS_FILE to its path`,
      ),
    );
  });

  it('when it is not JSON, without quoting it', async () => {
    const file = fileWith('{"lytics": {"provider": "lytics", "token": "a-secret"');
    await expect(readAuthorizations(file)).rejects.toThrow(
      new AuthorizationError(
        `The authorizations file ${file} is not valid JSON (line 1, column 54): the text ends early; expected "," or "}"`,
      ),
    );
  });
});
