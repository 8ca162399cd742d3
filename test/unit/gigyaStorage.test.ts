import { describe, expect, it, vi } from 'vitest';
import type { Gigya } from '../../src/gigya/client.ts';
import { GigyaError } from '../../src/gigya/errors.ts';
import { openStorage } from '../../src/gigya/openStorage.ts';
import { holds } from '../../src/gigya/storage.ts';
import { parseJob } from '../../src/job.ts';
import { fc } from '../support/property.ts';

describe('what Gigya holds equals the audiences', () => {
  it('whatever the order', () => {
    expect(holds(['vip', 'loyal', 'new'], ['new', 'vip', 'loyal'])).toBe(true);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), (audiences) => {
        expect(holds([...audiences].reverse(), audiences)).toBe(true);
      }),
    );
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', []],
  ])('when there are none and it is %s', (_what, held) => {
    expect(holds(held, [])).toBe(true);
    expect(holds(held, ['vip'])).toBe(false);
  });

  it.each([
    ['one more', ['vip', 'new'], ['vip']],
    ['one less', ['vip'], ['vip', 'new']],
    ['another one', ['old'], ['vip']],
    ['one twice', ['vip', 'vip'], ['vip']],
    ['one twice in place of another', ['vip', 'vip'], ['vip', 'new']],
    ['another case', ['VIP'], ['vip']],
    ['a text', 'vip', ['vip']],
    ['a number', [1], ['1']],
    ['null inside', [null], ['null']],
    ['an object', { 0: 'vip', length: 1 }, ['vip']],
    ['a list in a list', [['vip']], ['vip']],
    ['an empty text', '', []],
  ])('not with %s', (_what, held, audiences) => {
    expect(holds(held, audiences)).toBe(false);
  });

  it('and leaves both lists in their order', () => {
    const held = ['b', 'a'];
    const audiences = ['c', 'b'];
    holds(held, audiences);
    expect([held, audiences]).toEqual([
      ['b', 'a'],
      ['c', 'b'],
    ]);
  });
});

type Answer = (method: string, params: Record<string, unknown>) => Record<string, unknown>;

/** The storage of a job, over a Gigya that answers so. */
function storageOver(answer: Answer, config: Record<string, unknown> = {}) {
  const calls: [method: string, params: Record<string, unknown>][] = [];
  const gigya: Gigya = {
    name: 'gigya',
    async call(method, params, reply) {
      calls.push([method, params]);
      return reply.parse(answer(method, params));
    },
    close: async () => {},
  };
  const document = { name: 'x', auth_ids: ['lytics', 'gigya'], config: { segment_id: 'vip', ...config } };
  return { calls, storage: openStorage(gigya, parseJob(document).config) };
}

const refuse = (kind: GigyaError['kind'], code: number) => (): never => {
  throw new GigyaError('refused', { kind, method: 'x', code });
};

describe('the account as storage', () => {
  it('looks up what the field holds', async () => {
    const results = [{ UID: 'a', data: { lytics_segments: ['vip'] } }, { UID: 'b', data: {} }, { UID: 'c' }];
    const { storage, calls } = storageOver(() => ({ results }));
    expect(await storage.lookUp(['a', 'b', 'c', 'd', '"'])).toEqual(
      new Map([
        ['a', ['vip']],
        ['b', undefined],
        ['c', undefined],
      ]),
    );
    expect(calls).toEqual([
      [
        'accounts.search',
        {
          query: 'SELECT UID, data.lytics_segments FROM accounts WHERE UID in ("a","b","c","d") LIMIT 4',
        },
      ],
    ]);
  });

  it('writes the whole array', async () => {
    const { storage, calls } = storageOver(() => ({}), { gigya_field: 'audiences' });
    await storage.write('a', ['vip', 'new']);
    expect(calls).toEqual([['accounts.setAccountInfo', { UID: 'a', data: { audiences: ['vip', 'new'] } }]]);
    expect(storage.refusesUnknown).toBe(true);
  });

  it('reads what an account holds at this moment', async () => {
    const { storage, calls } = storageOver(() => ({ data: { lytics_segments: ['vip'] } }));
    expect(await storage.read('a')).toEqual({ held: ['vip'] });
    expect(calls).toEqual([['accounts.getAccountInfo', { UID: 'a', include: 'data' }]]);
  });

  it('tells an account without data from none', async () => {
    expect(await storageOver(() => ({})).storage.read('a')).toEqual({ held: undefined });
    expect(await storageOver(refuse('unknown_uid', 403005)).storage.read('a')).toBeNull();
    await expect(storageOver(refuse('transient', 500001)).storage.read('a')).rejects.toThrow('refused');
  });

  it('counts the accounts that carry an audience', async () => {
    const { storage, calls } = storageOver(() => ({ results: [{ UID: 'a' }], totalCount: 1234 }));
    expect(await storage.count('vip')).toBe(1234);
    expect(calls).toEqual([
      [
        'accounts.search',
        { query: 'SELECT UID FROM accounts WHERE data.lytics_segments contains "vip" LIMIT 1' },
      ],
    ]);
  });

  it('does not count an audience whose name no query can hold', async () => {
    const { storage, calls } = storageOver(() => ({ totalCount: 1 }));
    expect(await storage.count('The "Gold" members')).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe('the Data Store as storage', () => {
  const config = { target_storage: 'data_store', data_store_type: 'marketing' };

  it('looks up the objects, and the accounts of those who have none yet', async () => {
    const { storage, calls } = storageOver(
      (method) => ({
        results:
          method === 'ds.search'
            ? [{ UID: 'a', data: { lytics_segments: ['vip'] } }]
            : [{ UID: 'b', data: { lytics_segments: ['of the account, not of the Data Store'] } }],
      }),
      config,
    );
    expect(await storage.lookUp(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', ['vip']],
        ['b', undefined],
      ]),
    );
    expect(calls.map(([method, { query }]) => [method, query])).toEqual([
      [
        'ds.search',
        'SELECT UID, data.lytics_segments FROM marketing WHERE UID in ("a","b","c") and oid = "lytics" LIMIT 3',
      ],
      ['accounts.search', 'SELECT UID, data.lytics_segments FROM accounts WHERE UID in ("b","c") LIMIT 2'],
    ]);
  });

  it('replaces the array, in the one object of the user', async () => {
    const { storage, calls } = storageOver(() => ({}), config);
    await storage.write('a', ['vip']);
    expect(calls).toEqual([
      [
        'ds.store',
        {
          type: 'marketing',
          oid: 'lytics',
          UID: 'a',
          data: { lytics_segments: ['vip'] },
          updateBehavior: 'arraySet',
        },
      ],
    ]);
    // It may take an object of anybody: who it is for is asked first.
    expect(storage.refusesUnknown).toBe(false);
  });

  it('reads the account first: an object says nothing of whether there is one', async () => {
    const answer: Answer = (method) =>
      method === 'ds.get' ? { data: { lytics_segments: ['vip'] } } : { data: { lytics_segments: ['other'] } };
    const { storage, calls } = storageOver(answer, config);
    expect(await storage.read('a')).toEqual({ held: ['vip'] });
    expect(calls).toEqual([
      ['accounts.getAccountInfo', { UID: 'a', include: 'data' }],
      ['ds.get', { type: 'marketing', oid: 'lytics', UID: 'a', fields: '*' }],
    ]);
    expect(await storageOver(refuse('unknown_uid', 403005), config).storage.read('a')).toBeNull();
  });

  it('tells a user without an object from none', async () => {
    const answer: Answer = (method) => (method === 'ds.get' ? refuse('record', 404003)() : {});
    expect(await storageOver(answer, config).storage.read('a')).toEqual({ held: undefined });
  });

  it('counts its objects that carry an audience', async () => {
    const { storage, calls } = storageOver(() => ({ totalCount: 7 }), config);
    expect(await storage.count('vip')).toBe(7);
    expect(calls[0]?.[1]).toEqual({
      query: 'SELECT UID FROM marketing WHERE data.lytics_segments contains "vip" and oid = "lytics" LIMIT 1',
    });
  });
});

describe('the check of the Data Store', () => {
  const config = { target_storage: 'data_store' };

  it('proves the credentials first: what is refused after that is no matter of theirs', async () => {
    const { storage, calls } = storageOver(refuse('configuration', 403005), config);
    await expect(storage.check()).rejects.toThrow('refused');
    expect(calls).toEqual([['accounts.getSchema', {}]]);
  });

  it('takes a type that is not there yet: it comes into being with its first object', async () => {
    const answer: Answer = (method) => (method === 'ds.getSchema' ? refuse('record', 400006)() : {});
    await expect(storageOver(answer, config).storage.check()).resolves.toBeUndefined();
  });

  it.each<[GigyaError['kind'], number]>([
    ['configuration', 403036],
    ['transient', 500001],
  ])('tells what is %s', async (kind, code) => {
    const answer: Answer = (method) => (method === 'ds.getSchema' ? refuse(kind, code)() : {});
    await expect(storageOver(answer, config).storage.check()).rejects.toMatchObject({ kind, code });
  });
});

describe.each([
  ['accounts', 'account', 'dataSchema', {}],
  ['ds', 'data_store', 'schema', { type: 'lytics' }],
])('the schema of %s', (namespace, target_storage, key, params) => {
  const check = async (schema: unknown) => {
    const { storage, calls } = storageOver(() => ({ [key]: schema }), { target_storage });
    const refusal = await storage.check().catch((error: unknown) => error);
    expect(calls.at(-1)).toEqual([`${namespace}.getSchema`, params]);
    return refusal;
  };

  it.each([
    ['none', undefined],
    ['no fields', { dynamicSchema: true }],
    ['a dynamic schema', { fields: { other: { type: 'long' } }, dynamicSchema: true }],
    ['a string field', { fields: { lytics_segments: { type: 'string' } }, dynamicSchema: false }],
    ['a basic string field', { fields: { lytics_segments: { type: 'basic-string' } } }],
    ['a text field', { fields: { lytics_segments: { type: 'text' } } }],
    ['a field without a type', { fields: { lytics_segments: { writeAccess: 'serverOnly' } } }],
  ])('with %s takes audiences', async (_what, schema) => {
    expect(await check(schema)).toBeUndefined();
  });

  it.each([
    [
      'that does not declare the field and allows no other',
      { fields: {}, dynamicSchema: false },
      'the field data.lytics_segments is not in Gigya\'s schema, which allows no others; declare it as {"type":"string","writeAccess":"serverOnly"}, or set config.gigya_field',
    ],
    [
      'that declares it as a number',
      { fields: { lytics_segments: { type: 'long' } } },
      'the field data.lytics_segments is declared as long, which cannot hold audiences; declare a string field and set config.gigya_field',
    ],
    [
      'that makes arrays grow',
      { fields: { lytics_segments: { type: 'string', arrayOp: 'push' } } },
      'the field data.lytics_segments appends to arrays (arrayOp "push"), so each run would double it; declare another field and set config.gigya_field',
    ],
  ])('%s is a matter of configuration', async (_what, schema, problem) => {
    const refusal = await check(schema);
    expect(refusal).toBeInstanceOf(GigyaError);
    expect(refusal).toMatchObject({ kind: 'configuration', message: `${namespace}.getSchema: ${problem}` });
  });
});

describe('what is given along with a call', () => {
  it('reaches every request', async () => {
    const given: unknown[] = [];
    const gigya: Gigya = {
      name: 'gigya',
      async call(_method, _params, reply, options) {
        given.push(options);
        return reply.parse({});
      },
      close: async () => {},
    };
    const options = { signal: AbortSignal.timeout(60_000), beforeSend: vi.fn() };
    for (const target_storage of ['account', 'data_store']) {
      given.length = 0;
      const document = {
        name: 'x',
        auth_ids: ['lytics', 'gigya'],
        config: { segment_id: 'vip', target_storage },
      };
      const storage = openStorage(gigya, parseJob(document).config);
      await storage.check(options);
      await storage.lookUp(['a'], options);
      await storage.read('a', options);
      await storage.write('a', [], options);
      await storage.count('vip', options);
      expect(given).toHaveLength(target_storage === 'account' ? 5 : 8);
      for (const one of given) expect(one).toBe(options);
    }
  });
});
