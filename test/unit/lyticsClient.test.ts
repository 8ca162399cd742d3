import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LyticsOptions, openLytics } from '../../src/lytics/client.ts';
import { LyticsError } from '../../src/lytics/errors.ts';
import { lyticsAuthorization } from '../support/authorizations.ts';
import { type Asked, sendJson, serve } from '../support/localServer.ts';
import { recordMonitor } from '../support/monitor.ts';
import { fc } from '../support/property.ts';

type Reply = Record<string, unknown> | ((response: ServerResponse) => void);

/** A Lytics whose n-th answer (from 0) is this, and a client of it. */
async function connect(answer: (asked: Asked, n: number) => Reply, options: LyticsOptions = {}) {
  const server = await serve((asked, response) => {
    const reply = answer(asked, server.asked.length - 1);
    if (typeof reply === 'function') reply(response);
    else sendJson(response, { status: 200, message: 'success', ...reply });
  });
  const lytics = openLytics('lytics', lyticsAuthorization(server.url), {
    retryMs: 1,
    timeoutMs: 5_000,
    ...options,
  });
  onTestFinished(async () => {
    await server.close();
    await lytics.close();
  });
  return { server, lytics };
}

const first =
  (...replies: Reply[]) =>
  (_asked: Asked, n: number): Reply =>
    replies[n] ?? { data: [] };

const status =
  (httpStatus: number, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    sendJson(
      response,
      { data: null, message: 'no', status: httpStatus, ...body },
      { status: httpStatus, headers },
    );

async function errorOf(promise: Promise<unknown>): Promise<LyticsError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof LyticsError) return error;
  throw new Error(`No LyticsError: ${String(error)}`);
}

const vip = {
  id: '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50',
  slug_name: 'vip',
  name: 'VIPs',
  public_name: undefined,
  is_public: true,
  size: 13,
};

describe('a request', () => {
  it('carries the token without a scheme', async () => {
    const { lytics, server } = await connect(() => ({ data: [] }));
    await lytics.audiences();
    expect(server.asked).toMatchObject([
      {
        method: 'GET',
        path: '/v2/segment?table=user&kind=all',
        headers: { authorization: 'token-of-the-test', accept: 'application/json' },
      },
    ]);
  });

  it('keeps an id within its place in the path', async () => {
    const { lytics, server } = await connect(first({ data: vip }, { data: [] }, { data: {} }));
    await lytics.audience('a/../b?c');
    await lytics.scan('a/b', 'n&x=1');
    await lytics.profile('gy_profile_id', 'a/b?c#d+e=f %');
    expect(server.asked.map(({ path }) => path)).toEqual([
      '/v2/segment/a%2F..%2Fb%3Fc?sizes=true',
      '/api/segment/a%2Fb/scan?table=user&limit=100&start=n%26x%3D1',
      '/api/entity/user/gy_profile_id/a%2Fb%3Fc%23d%2Be%3Df%20%25?segments=true&allsegments=true',
    ]);
  });
});

describe('the audiences', () => {
  it('have their known fields; unknown fields are accepted', async () => {
    const { lytics } = await connect(() => ({
      data: [
        vip,
        { id: 'b', slug_name: 'beta', is_public: 'false', size: '7', tags: ['x'] },
        { id: 'c', slug_name: 'c' },
      ],
    }));
    expect(await lytics.audiences()).toEqual([
      vip,
      { id: 'b', slug_name: 'beta', is_public: false, size: 7, tags: ['x'] },
      { id: 'c', slug_name: 'c', is_public: true },
    ]);
  });

  it.each([
    ['no list', { data: {} }, 'data'],
    ['nothing', { data: null }, 'data'],
  ])(
    'with %s do not have the documented shape, which is reported with call and place',
    async (_what, reply, place) => {
      const { lytics, server } = await connect(() => reply);
      const error = await errorOf(lytics.audiences());
      expect(error.message).toBe(
        `list audiences: the reply does not have the documented shape (${place}); check lytics.base_url`,
      );
      expect(error).toMatchObject({ retry: 'never', scope: 'job', reason: 'configuration' });
      expect(server.asked).toHaveLength(1);
    },
  );

  it('omit entries without id or slug: one invalid entry does not hide the others', async () => {
    const { lytics } = await connect(() => ({ data: [{ slug_name: 'vip' }, vip, null, 'x', { id: 'y' }] }));
    expect(await lytics.audiences()).toEqual([vip]);
  });

  it.each([
    ['absent', undefined],
    ['-1', -1],
    ['a text', 'many'],
    ['null', null],
  ])('omit a size that is %s', async (_what, size) => {
    const { lytics } = await connect(() => ({ data: { ...vip, size } }));
    expect((await lytics.audience('vip')).size).toBeUndefined();
  });

  it('are found one by one, and an unknown one is reported', async () => {
    const { lytics } = await connect(first({ data: vip }, status(404, { message: 'segment not found' })));
    expect(await lytics.audience('vip')).toEqual(vip);
    expect(await errorOf(lytics.audience('none'))).toMatchObject({
      isRefused: true,
      retry: 'never',
      reason: 'not_found',
      message: 'read audience: Lytics answered 404 "segment not found"',
    });
  });
});

describe('the export jobs', () => {
  it('have their known fields; one invalid entry does not hide the others', async () => {
    const { lytics, server } = await connect(
      first(
        {
          data: [
            {
              id: 'j1',
              name: 'VIPs',
              status: 'running',
              config: { segment_id: 'vip', continuous_update: 'true' },
            },
            { id: 'j2', name: 7, config: 'none' },
            { id: 'j3', name: 'Other', workflow: 'braze-export' },
            { name: 'no id' },
            null,
          ],
        },
        { data: null },
      ),
    );
    expect(await lytics.exportJobs()).toMatchObject([
      { id: 'j1', name: 'VIPs', status: 'running', config: { segment_id: 'vip', continuous_update: true } },
      { id: 'j2', name: undefined, config: undefined },
    ]);
    expect(await lytics.exportJobs()).toEqual([]);
    expect(server.asked[0]?.path).toBe('/v2/job?workflow=gigya-export&show_completed=true');
  });

  it('are read one by one unchanged, and an unknown one is reported', async () => {
    const job = { id: 'j/1', name: 'VIPs', config: { sparkle: [1] } };
    const { lytics, server } = await connect(first({ data: job }, status(404, { message: 'no job' })));
    expect(await lytics.exportJob('j/1')).toEqual(job);
    expect(server.asked[0]?.path).toBe('/v2/job/gigya-export/j%2F1');
    expect(await errorOf(lytics.exportJob('none'))).toMatchObject({ isRefused: true, reason: 'not_found' });
  });
});

describe('a page of a scan', () => {
  it('has rows, the next cursor and the total', async () => {
    const row = { email: 'a@example.com', score_intensity: '50', segments: ['one'], new_field: { a: 1 } };
    const { lytics, server } = await connect(() => ({ _next: 'number2', total: 13, data: [row] }));
    expect(await lytics.scan('vip', '')).toEqual({
      rows: [row],
      next: 'number2',
      total: 13,
      retried: false,
      slowed: false,
    });
    // Neither `fields`, which may drop the audiences, nor `segments`, which would define an audience.
    expect(server.asked[0]?.path).toBe('/api/segment/vip/scan?table=user&limit=100');
  });

  it.each([
    ['numbers as texts', { status: '200', total: '13', _next: '', data: [] }, { total: 13, next: '' }],
    ['a number for a cursor', { total: 13, _next: 17, data: [] }, { total: 13, next: '17' }],
    ['no cursor', { total: 0, data: [] }, { total: 0, next: '' }],
    ['no total', { _next: null, data: [] }, { total: undefined, next: '' }],
    ['null for no rows', { data: null, total: null }, { rows: [], total: undefined }],
    ['null in place of a row', { data: [{ a: 1 }, null] }, { rows: [{ a: 1 }, {}] }],
  ])('may have %s', async (_what, reply, page) => {
    const { lytics } = await connect(() => reply);
    expect(await lytics.scan('vip', '')).toMatchObject(page);
  });

  it('reports that a request was retried: a scroll position may have moved on', async () => {
    const { monitor, troubles, requests, successes } = recordMonitor();
    const { lytics, server } = await connect(first(status(502), (response) => response.destroy()));
    expect(await lytics.scan('vip', 'x', { monitor })).toMatchObject({ retried: true });
    expect(server.asked).toHaveLength(3);
    expect(troubles).toHaveLength(2);
    expect(requests.map(({ service, isAnswered }) => [service, isAnswered])).toEqual([
      ['Lytics', true],
      ['Lytics', false],
      ['Lytics', true],
    ]);
    expect(successes()).toBe(1);
  });

  it('of another shape is reported with call and place', async () => {
    const { lytics } = await connect(() => ({ data: [['a']], _next: {} }));
    expect((await errorOf(lytics.scan('vip', ''))).message).toBe(
      'scan audience: the reply does not have the documented shape (data.0, _next); check lytics.base_url',
    );
  });
});

describe('an ad-hoc scan', () => {
  const statement = 'FILTER AND (gy_profile_id IN ("a")) FROM user';

  it('sends the statement as plain text, and the cursor in the address', async () => {
    const { lytics, server } = await connect(() => ({
      _next: 'n2',
      total: 1,
      data: [{ gy_profile_id: 'a' }],
    }));
    const page = { rows: [{ gy_profile_id: 'a' }], next: 'n2', total: 1, retried: false, slowed: false };
    expect(await lytics.find(statement, '')).toEqual(page);
    await lytics.find(statement, 'a&b');
    expect(server.asked).toMatchObject([
      {
        method: 'POST',
        path: '/api/segment/scan?table=user&limit=100',
        headers: { 'content-type': 'text/plain', authorization: 'token-of-the-test' },
        body: statement,
      },
      { path: '/api/segment/scan?table=user&limit=100&start=a%26b' },
    ]);
  });

  it.each([400, 403, 404, 422])(
    'that is refused with %i is reported so: there is another way',
    async (code) => {
      const { lytics, server } = await connect(() => status(code, { message: 'no ("a")' }));
      const error = await errorOf(lytics.find(statement, ''));
      expect(error).toMatchObject({ isRefused: true, retry: 'never', scope: 'record' });
      // The statement contains UIDs, and Lytics may quote it.
      expect(error.message).toBe(`find users: Lytics answered ${code}`);
      expect(server.asked).toHaveLength(1);
    },
  );

  it('with a wrong token is a configuration fault', async () => {
    const { lytics } = await connect(() => status(401));
    expect(await errorOf(lytics.find(statement, ''))).toMatchObject({ isRefused: false, scope: 'job' });
  });
});

describe("a user's profile", () => {
  const meta = { format: 'json', name: 'user', by_fields: ['gy_profile_id'] };

  it('is what Lytics knows', async () => {
    const data = { score_intensity: '83', segments: ['sample one weeeee'], segments_all: ['a50f26b0'] };
    const { lytics } = await connect(() => ({ meta, data }));
    expect(await lytics.profile('gy_profile_id', 'a')).toEqual(data);
  });

  const nobody = { segments: ['not_found', 'all'] };
  it.each<[what: string, reply: Reply]>([
    ['"Not Found" with audiences that do not exist', { meta, message: 'Not Found', data: nobody }],
    ['"Not Found" with real-looking audiences', { meta, message: 'Not Found', data: { segments: ['all'] } }],
    ['audiences that do not exist, and "success"', { meta, data: nobody }],
    ['no data', { meta, data: null }],
    ['HTTP 404', status(404)],
  ])('does not exist when the answer is %s', async (_what, reply) => {
    const { lytics } = await connect(() => reply);
    expect(await lytics.profile('gy_profile_id', 'a')).toBeUndefined();
  });

  it('is looked up again when Lytics returns "Timed out", whatever audiences that contains', async () => {
    const timedOut = { meta, message: 'Timed out', data: nobody };
    const { lytics, server } = await connect(first(timedOut, timedOut, { data: { segments: ['vip'] } }));
    expect(await lytics.profile('gy_profile_id', 'a')).toEqual({ segments: ['vip'] });
    expect(server.asked).toHaveLength(3);
    const { lytics: other } = await connect(() => timedOut);
    expect(await errorOf(other.profile('gy_profile_id', 'a'))).toMatchObject({
      retry: 'now',
      message: 'look up user: Lytics answered "Timed out"',
    });
  });

  it('of another shape is reported with call and place', async () => {
    const { lytics } = await connect(() => ({ data: ['vip'] }));
    expect((await errorOf(lytics.profile('gy_profile_id', 'a'))).message).toBe(
      'look up user: the reply does not have the documented shape (data); check lytics.base_url',
    );
  });
});

describe('a refusal', () => {
  const token = 'the token is wrong or has expired; correct lytics.token';
  it.each<[what: string, reply: Reply, reason: string, message: string]>([
    [
      'of 401 in the shape of /api, from /v2',
      status(401, { message: 'Not authorized' }),
      'configuration',
      `list audiences: Lytics answered 401 "Not authorized": ${token}`,
    ],
    [
      'of 401 in the shape of /v2',
      status(401, { message: undefined, errors: [{ code: 401, message: 'bad token' }] }),
      'configuration',
      `list audiences: Lytics answered 401 "bad token": ${token}`,
    ],
    [
      'whose status is in the reply alone, as a text',
      { status: '401', message: 'Not authorized', data: null },
      'configuration',
      `list audiences: Lytics answered 401 "Not authorized": ${token}`,
    ],
    [
      'of 403',
      status(403, { message: 'no permission' }),
      'configuration',
      'list audiences: Lytics answered 403 "no permission": give the token of lytics the permission for this',
    ],
    [
      'of 422',
      status(422, { message: 'cannot be read' }),
      'refused',
      'list audiences: Lytics answered 422 "cannot be read"',
    ],
    [
      'of 400 and no word',
      status(400, { message: null }),
      'refused',
      'list audiences: Lytics answered 400 "no message"',
    ],
    [
      'by a redirect',
      (response) => response.writeHead(302, { location: 'https://elsewhere.example.com' }).end(),
      'configuration',
      'list audiences: redirected (HTTP 302), and redirects are not followed with credentials; correct lytics.base_url',
    ],
  ])('%s is reported, and not repeated', async (_what, reply, reason, message) => {
    const { lytics, server } = await connect(() => reply);
    expect(await errorOf(lytics.audiences())).toMatchObject({ retry: 'never', reason, message });
    expect(server.asked).toHaveLength(1);
  });

  it.each<[what: string, reply: Reply, message: string]>([
    ['500', status(500, { message: 'oops' }), 'scan audience: Lytics answered 500 "oops"'],
    [
      '500 in the reply alone',
      { status: '500', message: 'oops' },
      'scan audience: Lytics answered 500 "oops"',
    ],
    [
      "an overloaded gateway's HTML",
      (response) => response.writeHead(425).end('<html>'),
      'scan audience: Lytics answered 425 and no JSON',
    ],
    ['200 and no JSON', (response) => response.end('OK'), 'scan audience: Lytics answered 200 and no JSON'],
    [
      'a cut socket',
      (response) => response.destroy(),
      expect.stringMatching(/^scan audience: no answer from Lytics \(.*UND_ERR_SOCKET/),
    ],
  ])('that may pass (%s) is retried three times, and then reported', async (_what, reply, message) => {
    const { lytics, server } = await connect(() => reply);
    expect(await errorOf(lytics.scan('vip', ''))).toMatchObject({ retry: 'now', scope: 'job', message });
    expect(server.asked).toHaveLength(4);
  });

  it.each([400, 404, 407, 501, 511])(
    'of a gateway (HTTP %i and HTML) needs a person if it does not pass',
    async (code) => {
      const { lytics, server } = await connect(() => (response) => response.writeHead(code).end('<html>'));
      expect(await errorOf(lytics.scan('vip', ''))).toMatchObject({
        retry: 'briefly',
        scope: 'job',
        isRefused: false,
        message: `scan audience: Lytics answered ${code} and no JSON; check lytics.base_url and any proxy`,
      });
      expect(server.asked).toHaveLength(1);
    },
  );

  it('is retried with increasing delays', async () => {
    const { lytics, server } = await connect(() => status(503), { retryMs: 20 });
    await errorOf(lytics.scan('vip', ''));
    const gaps = server.asked.slice(1).map(({ at }, n) => at - (server.asked[n]?.at ?? 0));
    expect(gaps).toHaveLength(3);
    for (const [n, gap] of gaps.entries()) expect(gap).toBeGreaterThan(20 * 2 ** n - 2);
  });

  it('without an answer in time is reported as a timeout', async () => {
    const { lytics } = await connect(() => () => {}, { timeoutMs: 30 });
    expect((await errorOf(lytics.scan('vip', ''))).message).toMatch(
      /^scan audience: no answer from Lytics \(.*no answer within 0\.03 s/,
    );
  });
});

describe('429', () => {
  it('is waited out for as long as Lytics says, however often, and is not a failure', async () => {
    const waits: number[] = [];
    const { monitor, troubles } = recordMonitor();
    const slowDown = status(429, {}, { 'retry-after': '0.03' });
    const { lytics, server } = await connect(first(...Array(6).fill(slowDown)), {
      observer: { onWait: (ms) => waits.push(ms) },
    });
    // Waited for, and not retried: nothing of the scan was lost.
    expect(await lytics.scan('vip', '', { monitor })).toMatchObject({ rows: [], retried: false });
    expect(waits).toEqual(Array(6).fill(30));
    expect(troubles[0]).toBe('Lytics asked to slow down (429); waiting 0 s');
    const times = server.asked.map(({ at }) => at);
    expect((times[6] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(6 * 29);
  });

  it.each([
    ['nothing', {}],
    ['a time that is over', { 'retry-after': 'Tue, 15 Nov 1994 08:12:31 GMT' }],
    ['zero', { 'retry-after': '0' }],
  ])('that says %s about the delay is waited out with increasing delays', async (_what, headers) => {
    const waits: number[] = [];
    const { lytics } = await connect(first(...Array(5).fill(status(429, {}, headers))), {
      observer: { onWait: (ms) => waits.push(ms) },
    });
    await lytics.audiences();
    expect(waits).toHaveLength(5);
    for (const [n, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(2 ** n);
      expect(wait).toBeLessThanOrEqual(2 * 2 ** n);
    }
  });

  it('is not waited for by an aborted call', async () => {
    const giveUp = new AbortController();
    const { lytics, server } = await connect(() => status(429, {}, { 'retry-after': '60' }), {
      observer: { onWait: () => setImmediate(() => giveUp.abort(new Error('cancelled'))) },
    });
    await expect(lytics.audiences({ signal: giveUp.signal })).rejects.toThrow();
    expect(giveUp.signal.aborted).toBe(true);
    expect(server.asked).toHaveLength(1);
  });
});

describe('connections', () => {
  it('are at most ten', async () => {
    let underWay = 0;
    let most = 0;
    const { lytics } = await connect(() => (response) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        sendJson(response, { data: { segments: [] } });
      }, 5);
    });
    await Promise.all(Array.from({ length: 40 }, (_, n) => lytics.profile('gy_profile_id', `uid-${n}`)));
    expect(most).toBe(10);
  });
});

describe('an observer', () => {
  it('is notified of every call with its status', async () => {
    const seen: string[] = [];
    const { lytics } = await connect(
      first(status(503), (response) => response.destroy()),
      {
        observer: { onCall: (call, code) => seen.push(`${call} ${code}`) },
      },
    );
    await lytics.audiences();
    expect(seen).toEqual(['list audiences 503', 'list audiences no_answer', 'list audiences 200']);
  });
});

describe('no error holds', () => {
  const text = fc
    .string({ minLength: 8, maxLength: 60, unit: 'grapheme-ascii' })
    .map((value) => `x${value.trim()}x`);
  const code = fc.constantFrom(400, 401, 403, 404, 422, 500);

  it('the token, whatever the reply quotes', async () => {
    let reply: Reply = {};
    const { server } = await connect(() => reply);
    await fc.assert(
      fc.asyncProperty(text, code, fc.nat(200), async (token, httpStatus, before) => {
        const message = `${'.'.repeat(before)} token ${token} is not known`;
        reply = status(httpStatus, { message, errors: [{ message: token }] });
        const lytics = openLytics('lytics', lyticsAuthorization(server.url, { token }), { retryMs: 0 });
        const said = (await errorOf(lytics.audiences())).message;
        expect(said).not.toContain(token);
        if (token.length > 4) expect(said).not.toContain(`token ${token.slice(0, 4)}`);
        expect(said.length).toBeLessThan(350);
        await lytics.close();
      }),
      { numRuns: 60 },
    );
  });

  it('the user it was about', async () => {
    let reply: Reply = {};
    const { lytics } = await connect(() => reply, { retryMs: 0 });
    await fc.assert(
      fc.asyncProperty(text, code, async (uid, httpStatus) => {
        fc.pre(httpStatus !== 404);
        reply = status(httpStatus, { message: `user ${uid}: refused` });
        expect((await errorOf(lytics.profile('gy_profile_id', uid))).message).not.toContain(uid);
        reply = { data: [{ [uid]: uid }] };
        expect((await errorOf(lytics.profile('gy_profile_id', uid))).message).not.toContain(uid);
      }),
      { numRuns: 60 },
    );
  });
});
