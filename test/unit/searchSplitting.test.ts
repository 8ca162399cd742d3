import { describe, expect, it } from 'vitest';
import type { CallOptions, Gigya } from '../../src/gigya/client.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';
import { createLookUpSize } from '../../src/gigya/lookUpSize.ts';
import { lookUp, type Place } from '../../src/gigya/search.ts';

const ACCOUNTS: Place = { namespace: 'accounts', source: 'accounts', condition: '', fields: [] };

/** A Gigya whose search knows every UID, unless this says with which code it refuses a query. */
function gigyaThat(refuses: (uids: string[], n: number) => number | undefined) {
  const queries: string[][] = [];
  const given: (CallOptions | undefined)[] = [];
  const gigya: Gigya = {
    name: 'gigya',
    connections: 20,
    lookUpSize: createLookUpSize(),
    async call(method, { query }, reply, options) {
      const uids = [...String(query).matchAll(/"([^"]+)"/g)].map(([, uid = '']) => uid);
      queries.push(uids);
      given.push(options);
      const code = refuses(uids, queries.length - 1);
      if (code !== undefined) throw new GigyaError('refused', decide(method, code));
      return reply.parse({ results: uids.map((UID) => ({ UID })) });
    },
    close: async () => {},
  };
  return { gigya, queries, given, sizes: () => queries.map(({ length }) => length) };
}

const uidsOf = (count: number) => Array.from({ length: count }, (_, n) => `uid-${n}`);

describe('a search that Gigya answers with a server error', () => {
  it('is sent once more, because most errors are transient and unrelated to the length', async () => {
    const { gigya, sizes } = gigyaThat((_uids, n) => (n === 0 ? 500001 : undefined));
    expect((await lookUp(gigya, ACCOUNTS, uidsOf(150))).size).toBe(150);
    expect(sizes()).toEqual([150, 150]);
    expect(gigya.lookUpSize.uids).toBe(200);
  });

  it('twice is split, and the halves are sent separately', async () => {
    const { gigya, sizes } = gigyaThat((uids) => (uids.length > 60 ? 500001 : undefined));
    const found = await lookUp(gigya, ACCOUNTS, uidsOf(150));
    expect([...found.keys()].sort()).toEqual(uidsOf(150).sort());
    expect(sizes().sort((one, other) => other - one)).toEqual([150, 150, 75, 75, 75, 75, 38, 38, 37, 37]);
  });

  it('that was split shortens the next look-ups', async () => {
    const { gigya, queries, sizes } = gigyaThat((uids) => (uids.length > 140 ? 500001 : undefined));
    await lookUp(gigya, ACCOUNTS, uidsOf(200));
    expect(gigya.lookUpSize.uids).toBe(133);
    queries.length = 0;
    await lookUp(gigya, ACCOUNTS, uidsOf(200));
    expect(sizes()).toEqual([133, 67]);
  });

  it('is not split below twenty UIDs, because its length is not the reason', async () => {
    const { gigya, sizes } = gigyaThat(() => 500001);
    await expect(lookUp(gigya, ACCOUNTS, uidsOf(40))).rejects.toThrow('refused');
    expect(Math.min(...sizes())).toBe(20);
    // The halves failed as well, so nothing was learned.
    expect(gigya.lookUpSize.uids).toBe(200);
  });

  it('is split below that when the UIDs are long', async () => {
    const long = Array.from({ length: 15 }, (_, n) => `${'x'.repeat(500)}-${n}`);
    const { gigya, sizes } = gigyaThat((uids) => (uids.join().length > 4_000 ? 500001 : undefined));
    expect((await lookUp(gigya, ACCOUNTS, long)).size).toBe(15);
    expect(sizes()).toEqual([15, 15, 8, 7, 8, 4, 4]);
  });

  it('leaves retries to the client where it cannot be split', async () => {
    const { gigya, given } = gigyaThat(() => undefined);
    await lookUp(gigya, ACCOUNTS, uidsOf(20));
    await lookUp(gigya, ACCOUNTS, uidsOf(21));
    expect(given.map((options) => options?.splits)).toEqual([false, true]);
  });
});

describe('a search that Gigya refuses for another reason', () => {
  it('as a bad query is halved, and the size is remembered', async () => {
    const { gigya, queries, sizes } = gigyaThat((uids) => (uids.length > 60 ? 400006 : undefined));
    expect((await lookUp(gigya, ACCOUNTS, uidsOf(150))).size).toBe(150);
    expect(sizes()).toEqual([150, 75, 38, 37, 75, 38, 37]);
    queries.length = 0;
    await lookUp(gigya, ACCOUNTS, uidsOf(50));
    expect(Math.max(...sizes())).toBeLessThanOrEqual(50);
    expect(gigya.lookUpSize.uids).toBeLessThan(75);
  });

  it('as a bad query, however short, is not halved again', async () => {
    const { gigya, sizes } = gigyaThat(() => 400006);
    await expect(lookUp(gigya, ACCOUNTS, uidsOf(150))).rejects.toThrow('refused');
    expect(sizes()).toEqual([150, 75, 38, 19]);
    await expect(lookUp(gigya, ACCOUNTS, uidsOf(150))).rejects.toThrow('refused');
    expect(sizes()).toEqual([150, 75, 38, 19, 150]);
  });

  it.each([403007, 500028, 503001])('(%i) is neither split nor sent again', async (code) => {
    const { gigya, sizes } = gigyaThat(() => code);
    await expect(lookUp(gigya, ACCOUNTS, uidsOf(150))).rejects.toThrow('refused');
    expect(sizes()).toEqual([150]);
  });
});
