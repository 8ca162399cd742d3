import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { CompactEncrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { openPage, type Page, sealingKey, sealPage } from '../../src/activities/sealedPage.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { fc } from '../support/property.ts';

const keyOf = (secret_key: string) => sealingKey(gigyaAuthorization('https://x.example.com', { secret_key }));
const key = keyOf('c2VjcmV0');

const text = fc.string({ unit: 'binary' });
const value = fc.oneof(
  fc.array(text),
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constant(null),
);
const pages: fc.Arbitrary<Page> = fc.record({
  records: fc.array(
    fc.record({ uid: text, data: fc.dictionary(fc.string(), value, { noNullPrototype: true }) }),
  ),
  copies: fc.array(fc.tuple(text, fc.integer({ min: 2, max: 9 }))),
});

/** 500 users in four audiences each, with UIDs of Gigya's own making. */
function largePage(): Page {
  const audiences = Array.from({ length: 24 }, (_, n) => `audience_number_${n}`);
  const indexes = (n: number) => [0, 1 + (n % 7), 8 + (n % 5), 13 + (n % 11)];
  return {
    records: Array.from({ length: 500 }, (_, n) => ({
      uid: createHash('md5').update(String(n)).digest('hex'),
      data: { lytics_segments: indexes(n).map((index) => audiences[index] ?? '') },
    })),
    copies: [],
  };
}

describe('a sealed page', () => {
  it('opens to what was sealed', async () => {
    await fc.assert(
      fc.asyncProperty(pages, fc.base64String({ minLength: 4 }), async (page, secret) => {
        const own = keyOf(secret);
        expect(await openPage(await sealPage(page, own), own)).toEqual(page);
      }),
    );
  });

  it('does not open with another secret, and the failure has a type of its own', async () => {
    const sealed = await sealPage(largePage(), key);
    const failure = await openPage(sealed, keyOf('b3RoZXI=')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'SealBroken', nonRetryable: true });
  });

  it('does not open when a single character was changed', async () => {
    const sealed = await sealPage(
      { records: [{ uid: 'a', data: { lytics_segments: ['vip'] } }], copies: [] },
      key,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), async (at) => {
        const other = sealed[at] === 'A' ? 'E' : 'A';
        // The last character of a part holds bits that stand for nothing.
        fc.pre(sealed[at] !== '.' && sealed[at + 1] !== '.' && at + 1 < sealed.length);
        const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
        await expect(openPage(changed, key)).rejects.toMatchObject({ type: 'SealBroken' });
      }),
    );
  });

  it.each(['', 'not a page', '..', 'a.b.c.d.e'])('is not %j', async (text) => {
    await expect(openPage(text, key)).rejects.toMatchObject({ type: 'SealBroken' });
  });

  it('is not something else that was sealed under the same secret', async () => {
    const page = { shapes: [['score']], texts: ['vip'], records: [['a', 0, [0]]], copies: [['a', 2]] };
    const open = async (other: unknown) => {
      const sealed = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(other)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(key);
      return openPage(sealed, key);
    };
    expect((await open(page)).records).toEqual([{ uid: 'a', data: { score: ['vip'] } }]);
    const broken = [
      ...[null, [], { ...page, records: undefined }, { ...page, copies: [['a', '2']] }],
      ...[['a', 1, [0]], ['a', 0], ['a', 0, [1]], ['a', 0, {}], [1, 0, [0]], 'a'].map((record) => ({
        ...page,
        records: [record],
      })),
    ];
    for (const other of broken) await expect(open(other)).rejects.toMatchObject({ type: 'SealBroken' });
  });

  it('stays small for 500 users with four audiences each', async () => {
    const page = largePage();
    const sealed = await sealPage(page, key);
    expect(sealed.length).toBeLessThan(15_500);
    expect(sealed.length).toBeLessThan(JSON.stringify(page).length);
  });

  it('reveals nothing of its content, and differs each time for the same page', async () => {
    const page = largePage();
    const sealed = await sealPage(page, key);
    const bytes = sealed.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    const labels = page.records.flatMap(({ data }) => data['lytics_segments']).map(String);
    for (const text of new Set([...labels, ...page.records.map(({ uid }) => uid)])) {
      expect(sealed).not.toContain(text);
      for (const part of bytes) expect(part).not.toContain(text);
    }
    expect(await sealPage(page, key)).not.toBe(sealed);
  });
});

describe('the key', () => {
  it("depends only on the job's secret", () => {
    const one = gigyaAuthorization('https://a.example.com', { secret_key: 'c2VjcmV0', user_key: 'one' });
    const other = gigyaAuthorization('https://b.example.com', { secret_key: 'c2VjcmV0', user_key: 'other' });
    expect(sealingKey(one)).toEqual(sealingKey(other));
    expect(sealingKey(one)).toHaveLength(32);
    expect(sealingKey(one)).not.toEqual(keyOf('b3RoZXI='));
  });

  it('is derived from the private key when there is no secret', () => {
    const { secret_key: _, ...keyless } = gigyaAuthorization('https://a.example.com');
    const one = sealingKey({ ...keyless, private_key: 'one' });
    expect(one).not.toEqual(sealingKey({ ...keyless, private_key: 'other' }));
  });
});
