import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAuthenticate, signRequest } from '../../src/gigya/auth.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { fc } from '../support/property.ts';

const url = 'https://accounts.us1.gigya.com/accounts.setAccountInfo';
const secret = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const clock = 1_700_000_000_999;

/** Computed with SAP's own Python SDK. */
const vector = {
  UID: '_guid_abc+/=',
  apiKey: '3_testApiKey',
  data: '{"lytics_segments":["vip","café & co","a~b*c"]}',
  format: 'json',
  httpStatusCodes: 'false',
  nonce: '1700000000000_1',
  timestamp: '1700000000',
  userKey: 'AKtestUser',
};
const signature = 'X34pHCL85a75Dg+qEvx/UXoMefY=';

describe("a request's signature", () => {
  it("equals the one from SAP's own SDK", () => {
    expect(signRequest(secret, url, vector)).toBe(signature);
  });

  it('does not depend on the order of the parameters', () => {
    expect(signRequest(secret, url, Object.fromEntries(Object.entries(vector).reverse()))).toBe(signature);
  });

  it('uses scheme and host in lower case, and drops a default port', () => {
    for (const spelled of [
      'HTTPS://Accounts.US1.Gigya.com/accounts.setAccountInfo',
      'https://accounts.us1.gigya.com:443/accounts.setAccountInfo',
    ])
      expect(signRequest(secret, spelled, vector)).toBe(signature);
  });

  it('keeps any other port, and the path unchanged', () => {
    const others = [
      'https://accounts.us1.gigya.com:8443/accounts.setAccountInfo',
      'http://accounts.us1.gigya.com/accounts.setAccountInfo',
      'https://accounts.us1.gigya.com/accounts.setaccountinfo',
      'https://accounts.us1.gigya.com/gateway/accounts.setAccountInfo',
    ].map((other) => signRequest(secret, other, vector));
    expect(new Set([signature, ...others]).size).toBe(5);
    // Computed with OpenSSL over `POST&http%3A%2F%2F127.0.0.1%3A8080%2Faccounts.search&query%3D%2521`.
    expect(signRequest('c2VjcmV0', 'http://127.0.0.1:8080/accounts.search', { query: '!' })).toBe(
      'IlwJZ1E4mO8qwNM+8EcVRXdz0Dk=',
    );
  });

  it('differs for any other value, key or secret', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        fc.pre(one !== other);
        const sign = (UID: string, key = secret) => signRequest(key, url, { ...vector, UID });
        expect(sign(one)).not.toBe(sign(other));
        expect(sign(one)).not.toBe(sign(one, 'b3RoZXI='));
      }),
    );
  });
});

describe('an application key with its secret', () => {
  it('is sent unchanged', async () => {
    const authorization = gigyaAuthorization(url, { secret_key: secret });
    expect(await createAuthenticate('gigya', authorization)(url, { UID: 'a' }, clock)).toEqual({
      params: { apiKey: '3_testApiKey', userKey: 'AKtestUser', secret },
      headers: {},
    });
  });
});

describe('an application key that signs', () => {
  const authenticate = createAuthenticate(
    'gigya',
    gigyaAuthorization(url, { secret_key: secret, authentication: 'signature' }),
  );

  it('sends everything that was signed, and never the secret', async () => {
    const { params, headers } = await authenticate(url, { UID: '_guid_abc+/=', format: 'json' }, clock);
    expect(headers).toEqual({});
    const { sig, nonce, ...rest } = params;
    expect(rest).toEqual({
      UID: '_guid_abc+/=',
      format: 'json',
      apiKey: '3_testApiKey',
      userKey: 'AKtestUser',
      timestamp: '1700000000',
    });
    expect(sig).toBe(signRequest(secret, url, { ...rest, nonce: nonce ?? '' }));
    expect(JSON.stringify(params)).not.toContain(secret);
    expect(JSON.stringify(params)).not.toContain(Buffer.from(secret, 'base64').toString());
  });

  it('uses a new nonce for every request', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => authenticate(url, {}, clock)));
    expect(new Set(all.map(({ params }) => params['nonce'])).size).toBe(50);
    expect(new Set(all.map(({ params }) => params['sig'])).size).toBe(50);
  });
});

describe('an RSA key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString();
  const authorization = (private_key: string) => {
    const { secret_key: _, ...keyless } = gigyaAuthorization(url);
    return { ...keyless, private_key };
  };

  it.each([
    ['PKCS#1', pem('pkcs1')],
    ['PKCS#8', pem('pkcs8')],
    ['PKCS#8 with its line breaks written out', pem('pkcs8').replaceAll('\n', '\\n')],
  ])('in %s signs a bearer token', async (_form, private_key) => {
    const authenticate = createAuthenticate('gigya', authorization(private_key));
    const { params, headers } = await authenticate(url, { UID: 'a' }, clock);
    expect(params).toEqual({ apiKey: '3_testApiKey' });
    const [scheme, token = ''] = headers['authorization']?.split(' ') ?? [];
    expect(scheme).toBe('Bearer');
    await jwtVerify(token, publicKey, { algorithms: ['RS256'], currentDate: new Date(clock) });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'AKtestUser' });
    expect(decodeJwt(token)).toEqual({ iat: 1_700_000_000, jti: expect.stringMatching(/.{16}/) });
  });

  it('gives each request a jti of its own', async () => {
    const authenticate = createAuthenticate('gigya', authorization(pem('pkcs8')));
    const tokens = await Promise.all(Array.from({ length: 20 }, () => authenticate(url, {}, clock)));
    const jtis = tokens.map(({ headers }) => decodeJwt(headers['authorization']?.slice(7) ?? '').jti);
    expect(new Set(jtis).size).toBe(20);
  });

  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  it.each([
    ['a text', 'not a key'],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['a key of another kind', elliptic.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a key too short for RS256', short.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['half a key', pem('pkcs8').slice(0, 600)],
  ])('is refused immediately when it is %s, and not quoted', (_what, private_key) => {
    const refused = () => createAuthenticate('gigya', authorization(private_key));
    expect(refused).toThrow(
      'gigya.private_key: not an RSA private key in PEM (PKCS#1 or PKCS#8) of 2048 bits or more; correct it',
    );
  });
});
