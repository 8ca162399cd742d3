import { describe, expect, it, vi } from 'vitest';
import type { CallOptions, Gigya } from '../../src/gigya/client.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';
import { createLookUpSize } from '../../src/gigya/lookUpSize.ts';
import { openStorage } from '../../src/gigya/openStorage.ts';
import type { WantedField } from '../../src/gigya/schema.ts';
import { parseJob } from '../../src/job.ts';
import { fieldsOf } from '../../src/mapping/mapping.ts';
import type { UserRecord } from '../../src/record.ts';

type Answer = (method: string, params: Record<string, unknown>) => Record<string, unknown>;

/** The storage of a job, over a Gigya that answers so. */
function storageOver(answer: Answer, config: Record<string, unknown> = {}) {
  const calls: [method: string, params: Record<string, unknown>][] = [];
  const gigya: Gigya = {
    name: 'gigya',
    connections: 20,
    lookUpSize: createLookUpSize(),
    async call(method, params, reply) {
      calls.push([method, params]);
      return reply.parse(answer(method, params));
    },
    close: async () => {},
  };
  const document = { name: 'x', auth_ids: ['lytics', 'gigya'], config: { segment_id: 'vip', ...config } };
  const job = parseJob(document);
  return { calls, storage: openStorage(gigya, job.config, fieldsOf(job.config)) };
}

const refuse =
  (code: number, details = '') =>
  (method: string): never => {
    throw new GigyaError('refused', decide(method, code, details));
  };

const recordOf = (uid: string, lytics_segments: string[]): UserRecord => ({ uid, data: { lytics_segments } });

describe('the account as storage', () => {
  it('looks up what the fields hold', async () => {
    const results = [{ UID: 'a', data: { lytics_segments: ['vip'] } }, { UID: 'b', data: {} }, { UID: 'c' }];
    const { storage, calls } = storageOver(() => ({ results }));
    expect(await storage.lookUp(['a', 'b', 'c', 'd', '"'])).toEqual(
      new Map([
        ['a', { lytics_segments: ['vip'] }],
        ['b', {}],
        ['c', {}],
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
    await storage.write({ uid: 'a', data: { audiences: ['vip', 'new'] } });
    expect(calls).toEqual([['accounts.setAccountInfo', { UID: 'a', data: { audiences: ['vip', 'new'] } }]]);
    expect(storage.refusesUnknown).toBe(true);
  });

  it('reads the current values of an account', async () => {
    const { storage, calls } = storageOver(() => ({ data: { lytics_segments: ['vip'] } }));
    expect(await storage.read('a')).toEqual({ lytics_segments: ['vip'] });
    expect(calls).toEqual([['accounts.getAccountInfo', { UID: 'a', include: 'data' }]]);
  });

  it('distinguishes an account without data from a missing account', async () => {
    expect(await storageOver(() => ({})).storage.read('a')).toEqual({});
    await expect(storageOver(refuse(403005)).storage.read('a')).rejects.toMatchObject({
      reason: 'unknown_uid',
    });
    await expect(storageOver(refuse(404003)).storage.read('a')).rejects.toMatchObject({
      reason: 'unknown_uid',
    });
    await expect(storageOver(refuse(500001)).storage.read('a')).rejects.toThrow('refused');
  });

  it('finds the accounts whose field may hold a label, a batch at a time', async () => {
    const results = [{ UID: 'a', data: { lytics_segments: ['vip', 'new'] } }, { UID: null }, { UID: 'b' }];
    const { storage, calls } = storageOver(() => ({ results, totalCount: 1234, nextCursorId: 'c2' }));
    const wanted = { field: 'lytics_segments', label: 'vip' };
    expect(await storage.findCarriers(wanted, null)).toEqual({
      found: [
        { uid: 'a', held: { lytics_segments: ['vip', 'new'] } },
        { uid: 'b', held: {} },
      ],
      total: 1234,
      next: 'c2',
    });
    await storage.findCarriers(wanted, 'c2');
    const query =
      'SELECT UID, data.lytics_segments FROM accounts WHERE data.lytics_segments contains "vip" LIMIT 1000';
    expect(calls).toEqual([
      ['accounts.search', { query, openCursor: true }],
      ['accounts.search', { cursorId: 'c2' }],
    ]);
  });

  it.each([{}, { nextCursorId: null }, { nextCursorId: '' }])(
    'is at the last batch with %j',
    async (reply) => {
      const { storage } = storageOver(() => reply);
      const batch = await storage.findCarriers({ field: 'lytics_segments', label: 'vip' }, 'c');
      expect(batch).toEqual({ found: [], total: undefined, next: null });
    },
  );

  it('sends no query with a label that a query cannot contain', async () => {
    const { storage, calls } = storageOver(() => ({ totalCount: 1 }));
    const wanted = { field: 'lytics_segments', label: 'The "Gold" members' };
    const find = async () => storage.findCarriers(wanted, null);
    await expect(find()).rejects.toThrow(RangeError);
    expect(calls).toEqual([]);
  });
});

describe('the Data Store as storage', () => {
  const config = { target_storage: 'data_store', data_store_type: 'marketing' };

  it('looks up the objects, and the accounts of users without an object', async () => {
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
        ['a', { lytics_segments: ['vip'] }],
        ['b', {}],
      ]),
    );
    expect(calls.map(([method, { query }]) => [method, query])).toEqual([
      [
        'ds.search',
        'SELECT UID, data.lytics_segments FROM marketing WHERE UID in ("a","b","c") and oid = "lytics" LIMIT 3',
      ],
      ['accounts.search', 'SELECT UID FROM accounts WHERE UID in ("b","c") LIMIT 2'],
    ]);
  });

  it('looks up accounts only before the first object of the type', async () => {
    const { storage } = storageOver(
      (method) => (method === 'ds.search' ? refuse(404000)(method) : { results: [{ UID: 'a' }] }),
      config,
    );
    expect(await storage.lookUp(['a', 'b'])).toEqual(new Map([['a', {}]]));
  });

  it('replaces the array, in the one object of the user', async () => {
    const { storage, calls } = storageOver(() => ({}), config);
    await storage.write(recordOf('a', ['vip']));
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
    // It may accept an object for a user who does not exist: the account is read first.
    expect(storage.refusesUnknown).toBe(false);
  });

  it('reads the account first: an object does not prove that there is one', async () => {
    const answer: Answer = (method) =>
      method === 'ds.get' ? { data: { lytics_segments: ['vip'] } } : { data: { lytics_segments: ['other'] } };
    const { storage, calls } = storageOver(answer, config);
    expect(await storage.read('a')).toEqual({ lytics_segments: ['vip'] });
    expect(calls).toEqual([
      ['accounts.getAccountInfo', { UID: 'a', include: 'data' }],
      ['ds.get', { type: 'marketing', oid: 'lytics', UID: 'a', fields: '*' }],
    ]);
    await expect(storageOver(refuse(403005), config).storage.read('a')).rejects.toMatchObject({
      reason: 'unknown_uid',
    });
  });

  it('distinguishes a user without an object from an unknown user', async () => {
    const answer: Answer = (method) => (method === 'ds.get' ? refuse(404003)(method) : {});
    expect(await storageOver(answer, config).storage.read('a')).toEqual({});
  });

  it('treats any 404, and success without data, as an object that does not exist', async () => {
    for (const code of [404_000, 404_003]) {
      const answer: Answer = (method) => (method === 'ds.get' ? refuse(code)(method) : {});
      expect(await storageOver(answer, config).storage.read('a')).toEqual({});
    }
    expect(await storageOver(() => ({ data: null }), config).storage.read('a')).toEqual({});
  });

  it('finds its objects whose field may hold a label', async () => {
    const { storage, calls } = storageOver(() => ({ totalCount: 7 }), config);
    await storage.findCarriers({ field: 'lytics_segments', label: 'vip' }, null);
    expect(calls).toEqual([
      [
        'ds.search',
        {
          query:
            'SELECT UID, data.lytics_segments FROM marketing WHERE data.lytics_segments contains "vip" and oid = "lytics" LIMIT 1000',
          openCursor: true,
        },
      ],
    ]);
  });
});

const AUDIENCES: WantedField = { field: 'lytics_segments', holds: 'audiences', isCleared: false };

describe('the check of the Data Store', () => {
  const config = { target_storage: 'data_store' };

  it('accepts a type that does not exist yet, because its first object creates it', async () => {
    const answer: Answer = (method) => refuse(400006)(method);
    const { storage } = storageOver(answer, config);
    await expect(storage.check([AUDIENCES])).resolves.toEqual({ types: {}, warnings: [] });
    // Endings fix types all the same.
    const field = (name: string) => ({ field: name, holds: 'values', isCleared: true }) as const;
    await expect(storage.check([field('score_i'), field('score')])).resolves.toEqual({
      types: { score_i: 'integer' },
      warnings: [],
    });
    await expect(storage.check([field('born_d')])).rejects.toThrow('data.born_d is declared as date');
  });

  it.each([403036, 500001])('reports %i', async (code) => {
    const answer: Answer = (method) => refuse(code)(method);
    await expect(storageOver(answer, config).storage.check([AUDIENCES])).rejects.toMatchObject({
      reason: String(code),
    });
  });
});

describe.each([
  ['accounts', 'account', 'dataSchema', {}],
  ['ds', 'data_store', 'schema', { type: 'lytics' }],
])('the schema of %s', (namespace, target_storage, key, params) => {
  const check = async (schema: unknown) => {
    const { storage, calls } = storageOver(() => ({ [key]: schema }), { target_storage });
    const verdict = await storage.check([AUDIENCES]).catch((error: unknown) => error);
    expect(calls).toEqual([[`${namespace}.getSchema`, params]]);
    return verdict;
  };

  it.each([
    ['a string field', { fields: { lytics_segments: { type: 'string' } }, dynamicSchema: false }],
    ['a basic string field', { fields: { lytics_segments: { type: 'basic-string' } } }],
    ['a text field', { fields: { lytics_segments: { type: 'text' } } }],
    ['a field without a type', { fields: { lytics_segments: { writeAccess: 'serverOnly' } } }],
    ['a field that is not encrypted', { fields: { lytics_segments: { type: 'string', encrypt: false } } }],
  ])('with %s accepts audiences', async (_what, schema) => {
    expect(await check(schema)).toMatchObject({ warnings: [] });
  });

  const undeclared =
    'The field data.lytics_segments is not declared in Gigya\'s schema, so users can write it themselves; declare it as {"type":"string","writeAccess":"serverOnly"} (in a site group, on the parent)';
  it.each([
    ['no schema', undefined, undeclared],
    ['no fields', { dynamicSchema: true }, undeclared],
    ['a dynamic schema', { fields: { other: { type: 'long' } }, dynamicSchema: true }, undeclared],
    [
      'an encrypted field',
      { fields: { lytics_segments: { type: 'string', encrypt: 'AES' } } },
      'The field data.lytics_segments is encrypted in Gigya, so searches may not find users by their audiences; declare a field without encryption and set config.gigya_field',
    ],
  ])('with %s accepts audiences, with a warning', async (_what, schema, warning) => {
    expect(await check(schema)).toMatchObject({ warnings: [warning] });
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
  ])('%s is a configuration fault', async (_what, schema, problem) => {
    const refusal = await check(schema);
    expect(refusal).toBeInstanceOf(GigyaError);
    expect(refusal).toMatchObject({
      retry: 'never',
      scope: 'job',
      message: `${namespace}.getSchema: ${problem}`,
    });
  });
});

describe('the check of several fields', () => {
  const wanted: WantedField[] = [
    AUDIENCES,
    { field: 'score', holds: 'values', isCleared: true },
    { field: 'born', holds: 'values', isCleared: true },
  ];

  it('reads the schema once, and returns the types that it declares', async () => {
    const fields = { lytics_segments: { type: 'string' }, score: { type: 'float' } };
    const { storage, calls } = storageOver(() => ({ dataSchema: { fields } }));
    expect(await storage.check(wanted)).toEqual({
      types: { lytics_segments: 'string', score: 'number' },
      warnings: [expect.stringContaining('data.born is not declared')],
    });
    expect(calls).toHaveLength(1);
  });

  it('reports every field that has to change', async () => {
    const fields = { lytics_segments: { type: 'long' }, score: { type: 'float' }, born: { type: 'date' } };
    const { storage } = storageOver(() => ({ dataSchema: { fields } }));
    await expect(storage.check(wanted)).rejects.toThrow(
      /data\.lytics_segments is declared as long.*; the field data\.born is declared as date/,
    );
  });
});

describe('webhooks of a write to an account', () => {
  const written = async (config: Record<string, unknown>) => {
    const { storage, calls } = storageOver(() => ({}), config);
    await storage.write(recordOf('a', ['vip']));
    return calls.map(([, params]) => params['muteWebhooks']);
  };

  it('are muted with mute_webhooks only; the Data Store has no parameter for it', async () => {
    expect(await written({ mute_webhooks: true })).toEqual([true]);
    expect(await written({})).toEqual([undefined]);
    expect(await written({ mute_webhooks: true, target_storage: 'data_store' })).toEqual([undefined]);
  });
});

describe('the options of a call', () => {
  it('reach every request', async () => {
    const given: (CallOptions | undefined)[] = [];
    const gigya: Gigya = {
      name: 'gigya',
      connections: 20,
      lookUpSize: createLookUpSize(),
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
      const storage = openStorage(gigya, parseJob(document).config, ['lytics_segments']);
      await storage.check([AUDIENCES], options);
      await storage.lookUp(['a'], options);
      await storage.read('a', options);
      await storage.write(recordOf('a', []), options);
      await storage.findCarriers({ field: 'lytics_segments', label: 'vip' }, null, options);
      await storage.findCarriers({ field: 'lytics_segments', label: 'vip' }, 'cursor', options);
      expect(given).toHaveLength(target_storage === 'account' ? 6 : 8);
      for (const one of given) expect(one).toMatchObject(options);
    }
  });
});
