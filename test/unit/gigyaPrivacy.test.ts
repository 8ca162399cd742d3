import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openGigya } from '../../src/gigya/client.ts';
import { isQueryable, quote } from '../../src/gigya/query.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { type GigyaReply, type GigyaServer, serveGigya } from '../support/gigyaServer.ts';
import { fc } from '../support/property.ts';

let reply: GigyaReply = {};
let server: GigyaServer;
beforeAll(async () => {
  server = await serveGigya(() => reply);
});
afterAll(() => server.close());

/** Long enough not to stand in a message by chance. */
const value = fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme' });
const uid = fc.oneof(
  value,
  fc.uuid(),
  fc.base64String({ minLength: 24, maxLength: 48 }).map((text) => `_guid_${text}`),
);
const code = fc.constantFrom(403010, 403005, 403002, 403200, 400002, 400006, 400009, 404003, 301001, 500001);

/** The ways in which a reply may speak of what it was sent. */
const speaks = fc.constantFrom(
  (text: string) => `Refused: ${text}`,
  (text: string) => `Invalid value "${text}" for "UID"`,
  (text: string) => `${text}`,
  (text: string) => JSON.stringify({ UID: text }),
  (text: string) => `${text}, ${text} and "${text}`,
);

/** What an error could show in a log, with all that hangs on it. */
async function said(failing: Promise<unknown>): Promise<string> {
  const error = await failing.then(
    () => {
      throw new Error('It was to fail');
    },
    (reason: unknown) => reason,
  );
  return inspect(error, { depth: 9 });
}

describe('no error of a Gigya call holds', () => {
  it('the UID it was about, whatever the reply quotes', async () => {
    const gigya = openGigya('gigya', gigyaAuthorization(server.url), { retryMs: 0 });
    await fc.assert(
      fc.asyncProperty(uid, code, speaks, async (UID, errorCode, says) => {
        reply = {
          errorCode,
          errorMessage: says(UID),
          errorDetails: says(UID),
          validationErrors: [{ fieldName: says(UID), message: says(UID) }],
        };
        const params = { UID, data: { lytics_segments: ['vip'] } };
        const message = await said(gigya.call('accounts.setAccountInfo', params, z.unknown()));
        expect(message).toContain('accounts.setAccountInfo: Gigya answered');
        expect(message).not.toContain(UID);
      }),
      { numRuns: 150 },
    );
    await gigya.close();
  });

  it('a value of the record, whatever the reply quotes', async () => {
    const gigya = openGigya('gigya', gigyaAuthorization(server.url), { retryMs: 0 });
    await fc.assert(
      fc.asyncProperty(
        value,
        fc.integer({ min: 10_000_000 }),
        code,
        speaks,
        async (text, number, errorCode, says) => {
          reply = {
            errorCode,
            errorMessage: `${says(text)}; ${says(String(number))}`,
            errorDetails: `${says(text)} ${says(String(number))}`,
            validationErrors: [{ fieldName: says(text), message: says(text) }],
          };
          const data = { lytics_segments: ['vip'], mail: text, scores: { momentum: number } };
          const message = await said(gigya.call('accounts.setAccountInfo', { UID: 'a', data }, z.unknown()));
          for (const one of [text, String(number)]) expect(message).not.toContain(one);
        },
      ),
      { numRuns: 150 },
    );
    await gigya.close();
  });

  it('a UID of the query it was about', async () => {
    const gigya = openGigya('gigya', gigyaAuthorization(server.url), { retryMs: 0 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(uid, { minLength: 1, maxLength: 5 }),
        code,
        speaks,
        async (uids, errorCode, says) => {
          const asked = uids.filter(isQueryable);
          fc.pre(asked.length > 0);
          const query = `SELECT UID FROM accounts WHERE UID in (${asked.map(quote).join(',')}) LIMIT 5`;
          reply = {
            errorCode,
            errorMessage: asked.map(says).join(' '),
            errorDetails: `Unexpected: ${says(query)} ${asked.map(says).join(' ')}`,
          };
          const message = await said(gigya.call('accounts.search', { query }, z.unknown()));
          expect(message).not.toContain(query);
          for (const one of asked) expect(message).not.toContain(one);
        },
      ),
      { numRuns: 150 },
    );
    await gigya.close();
  });

  it('the secret, in either way to use it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.base64String({ minLength: 16, maxLength: 64 }),
        code,
        speaks,
        fc.constantFrom('secret' as const, 'signature' as const),
        async (secret_key, errorCode, says, authentication) => {
          reply = { errorCode, errorMessage: says(secret_key), errorDetails: says(secret_key) };
          const authorization = gigyaAuthorization(server.url, { secret_key, authentication });
          const gigya = openGigya('gigya', authorization, { retryMs: 0 });
          const message = await said(gigya.call('accounts.getSchema', {}, z.unknown()));
          expect(message).not.toContain(secret_key);
          await gigya.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('the private key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { secret_key: _, ...keyless } = gigyaAuthorization(server.url);
    const gigya = openGigya('gigya', { ...keyless, private_key }, { retryMs: 0 });
    reply = { errorCode: 403003, errorMessage: `Bad key ${private_key}`, errorDetails: private_key };
    const message = await said(gigya.call('accounts.getSchema', {}, z.unknown()));
    for (const line of private_key.trim().split('\n').slice(1, -1)) expect(message).not.toContain(line);
    await gigya.close();
  });

  it('any content of a reply of another shape', async () => {
    const gigya = openGigya('gigya', gigyaAuthorization(server.url), { retryMs: 0 });
    const shape = z.looseObject({ results: z.array(z.looseObject({ UID: z.number() })) });
    await fc.assert(
      fc.asyncProperty(uid, async (UID) => {
        reply = { results: [{ UID, data: { email: UID } }] };
        expect(await said(gigya.call('accounts.search', {}, shape))).not.toContain(UID);
        reply = (response) => response.end(`<html>${UID}</html>`);
        expect(await said(gigya.call('accounts.search', {}, shape))).not.toContain(UID);
      }),
      { numRuns: 30 },
    );
    await gigya.close();
  });
});

describe('what is removed from an error', () => {
  it('leaves the method, the code and the callId, however short a UID is', async () => {
    const gigya = openGigya('gigya', gigyaAuthorization(server.url), { retryMs: 0 });
    reply = { errorCode: 403007, errorMessage: 'Permission denied', errorDetails: 'Not for UID 3' };
    const failing = gigya.call('accounts.setAccountInfo', { UID: '3' }, z.unknown());
    await expect(failing).rejects.toThrow(
      'accounts.setAccountInfo: Gigya answered 403007 "Permission denied" (Not for UID …), callId call-of-the-test: ',
    );
    await gigya.close();
  });
});
