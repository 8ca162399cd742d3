import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Authorizations,
  findExposedSecrets,
  readAuthorizations,
  resolveSecrets,
} from '../../src/authorizations.ts';
import { createAuthenticate } from '../../src/gigya/auth.ts';
import { gigyaAuthorization, lyticsAuthorization } from '../support/authorizations.ts';
import { fc } from '../support/property.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const lytics = (token: string) => lyticsAuthorization('https://api.lytics.io', { token });
const gigya = (secret_key: string) => gigyaAuthorization('https://gw.example.com', { secret_key });

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a secret', () => {
  it('may be literal', async () => {
    expect(await resolveSecrets('lytics', lytics('abc:def'), 'a.json')).toMatchObject({ token: 'abc:def' });
  });

  it('may be in an environment variable', async () => {
    vi.stubEnv('LYTICS_TOKEN_OF_THE_TEST', ' abc\n');
    const resolved = await resolveSecrets('lytics', lytics('env:LYTICS_TOKEN_OF_THE_TEST'), 'a.json');
    expect(resolved.token).toBe('abc');
  });

  it('may be in a file, whose path is relative to the authorizations file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets', 'gigya'), 'c2VjcmV0\n');
    const file = join(folder, 'authorizations.json');
    const { secret_key } = await resolveSecrets('gigya', gigya('file:secrets/gigya'), file);
    expect(secret_key).toBe('c2VjcmV0');
    const absolute = gigya(`file:${join(folder, 'secrets', 'gigya')}`);
    expect((await resolveSecrets('gigya', absolute, '/elsewhere/a.json')).secret_key).toBe('c2VjcmV0');
  });

  it('may be a private key of several lines', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'key.pem'), '-----BEGIN\nabc\n-----END\n');
    const { secret_key: _, ...keyless } = gigya('');
    const authorization = { ...keyless, private_key: 'file:key.pem' };
    const resolved = await resolveSecrets('gigya', authorization, join(folder, 'a.json'));
    expect(resolved.private_key).toBe('-----BEGIN\nabc\n-----END');
    expect(resolved).not.toHaveProperty('secret_key');
  });

  it('is read on use and leaves the authorization unchanged', async () => {
    vi.stubEnv('LYTICS_TOKEN_OF_THE_TEST', 'first');
    const written = lytics('env:LYTICS_TOKEN_OF_THE_TEST');
    expect((await resolveSecrets('lytics', written, 'a.json')).token).toBe('first');
    vi.stubEnv('LYTICS_TOKEN_OF_THE_TEST', 'rotated');
    expect((await resolveSecrets('lytics', written, 'a.json')).token).toBe('rotated');
    expect(written.token).toBe('env:LYTICS_TOKEN_OF_THE_TEST');
  });

  it.each(['', '  '])('that is %j in the environment is not set', async (value) => {
    vi.stubEnv('LYTICS_TOKEN_OF_THE_TEST', value);
    await expect(resolveSecrets('ly', lytics('env:LYTICS_TOKEN_OF_THE_TEST'), 'a.json')).rejects.toThrow(
      'ly.token: the environment variable LYTICS_TOKEN_OF_THE_TEST is not set on this worker; set it',
    );
  });

  it.each(['a\nb', '“abc”', 'a\u0000b'])(
    'that is a token with characters a header cannot carry is refused: %j',
    async (token) => {
      await expect(resolveSecrets('ly', lytics(token), 'a.json')).rejects.toThrow(
        'ly.token: has characters that a token cannot have; copy it again',
      );
    },
  );

  it('whose file is missing or empty is named by its path', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'empty'), '\n');
    for (const name of ['none', 'empty']) {
      const path = join(folder, name);
      await expect(resolveSecrets('gi', gigya(`file:${name}`), join(folder, 'a.json'))).rejects.toThrow(
        `gi.secret_key: the file ${path} is missing, unreadable or empty; correct it`,
      );
    }
  });
});

/** Everything that goes wrong between the file and the first call, as a log could show it. */
async function complaintsAbout(file: string): Promise<string> {
  const complaints: unknown[] = [];
  const complain = (error: unknown) => void complaints.push(error);
  const authorizations: Authorizations = await readAuthorizations(file).catch((error: unknown) => {
    complain(error);
    return {};
  });
  for (const [name, authorization] of Object.entries(authorizations)) {
    const resolved = await resolveSecrets(name, authorization, file).catch(complain);
    try {
      if (resolved?.provider === 'gigya') createAuthenticate(name, resolved);
    } catch (error) {
      complain(error);
    }
  }
  return complaints.map((error) => inspect(error, { depth: 9 })).join('\n');
}

const secrets = fc
  .oneof(
    fc.string({ minLength: 12, maxLength: 60, unit: 'grapheme-ascii' }),
    fc.base64String({ minLength: 24 }),
  )
  .filter((secret) => secret.trim().length >= 12 && !/^(env|file):/.test(secret.trim()));

/** Where a person may put a secret by mistake. */
const places = [
  'provider',
  'token',
  'api_key',
  'datacenter',
  'user_key',
  'secret_key',
  'private_key',
  'authentication',
  'base_url',
  'limits',
  'limits.calls_per_second',
  'limits.connections',
  'index_lag_seconds',
  'unknown_setting',
] as const;

describe('no message holds a secret', () => {
  const mistakes = fc.record({
    secret: secrets,
    places: fc.subarray([...places], { minLength: 1 }),
    provider: fc.constantFrom('lytics', 'gigya'),
    wrapped: fc.constantFrom(
      (secret: string) => secret,
      (secret: string) => `https://user:${encodeURIComponent(secret)}@example.com`,
      (secret: string) => `http://example.com/${secret}`,
      (secret: string) => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----`,
      (secret: string) => [secret],
      (secret: string) => ({ value: secret }),
    ),
  });

  it('regardless of its place in the file', async () => {
    const file = join(temporaryFolder(), 'authorizations.json');
    let complaints = 0;
    await fc.assert(
      fc.asyncProperty(mistakes, async ({ secret, places, provider, wrapped }) => {
        const authorization: Record<string, unknown> = {
          provider,
          ...(provider === 'lytics'
            ? { token: 'x' }
            : { api_key: '3_abc', datacenter: 'eu1', user_key: 'AK', secret_key: 'x' }),
        };
        for (const place of places) {
          const [setting = '', inner] = place.split('.');
          const value = wrapped(secret);
          authorization[setting] = inner === undefined ? value : { [inner]: value };
        }
        writeFileSync(file, JSON.stringify({ mine: authorization }));
        const said = await complaintsAbout(file);
        if (said !== '') complaints++;
        expect(said).not.toContain(secret.trim());
        expect(said).not.toContain(encodeURIComponent(secret.trim()));
        expect(said).not.toContain(JSON.stringify(secret.trim()).slice(1, -1));
      }),
      { numRuns: 300 },
    );
    expect(complaints).toBeGreaterThan(100);
  });

  it('nor when the file is truncated', async () => {
    const file = join(temporaryFolder(), 'authorizations.json');
    await fc.assert(
      fc.asyncProperty(secrets, fc.nat({ max: 40 }), async (secret, cut) => {
        const written = JSON.stringify({ lytics: { provider: 'lytics', token: secret } });
        writeFileSync(file, written.slice(0, -1 - cut));
        const said = await complaintsAbout(file);
        expect(said).toMatch(/is not valid JSON \(line 1, column \d+\): /);
        expect(said).not.toContain(secret.trim().slice(0, 12));
      }),
    );
  });
});

describe('files with secrets that others can read', () => {
  it.skipIf(process.platform === 'win32')('are named with the fix, the others are not', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'authorizations.json');
    const written = {
      one: { ...lytics('file:open') },
      two: { ...gigya('file:closed') },
      three: lytics('env:NONE'),
      four: lytics('file:missing'),
    };
    writeFileSync(file, JSON.stringify(written), { mode: 0o600 });
    writeFileSync(join(folder, 'open'), 'x');
    writeFileSync(join(folder, 'closed'), 'x');
    chmodSync(join(folder, 'open'), 0o640);
    chmodSync(join(folder, 'closed'), 0o600);
    const open = join(folder, 'open');
    expect(await findExposedSecrets(file)).toEqual([
      `${open} holds secrets and others on this machine can read it; chmod 600 ${open}`,
    ]);

    chmodSync(file, 0o644);
    chmodSync(open, 0o600);
    expect(await findExposedSecrets(file)).toEqual([
      `${file} holds secrets and others on this machine can read it; chmod 600 ${file}`,
    ]);
  });

  it('do not exist without a file', async () => {
    expect(await findExposedSecrets(join(temporaryFolder(), 'none.json'))).toEqual([]);
  });
});
