import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import type { GigyaAuthorization } from '../../src/authorizations.ts';
import { signRequest } from '../../src/gigya/auth.ts';
import { type GigyaObserver, openGigya } from '../../src/gigya/client.ts';
import { GigyaError } from '../../src/gigya/errors.ts';
import { VERSION } from '../../src/version.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { type GigyaCall, type GigyaReply, refusal, serveGigya } from '../support/gigyaServer.ts';
import { closedPort } from '../support/localServer.ts';
import { recordMonitor } from '../support/monitor.ts';

interface Options {
  authorization?: Partial<GigyaAuthorization>;
  observer?: GigyaObserver;
  timeoutMs?: number;
  retryMs?: number;
}

/** A Gigya that gives these answers, and a client of it. */
async function connect(
  answer: (call: GigyaCall, n: number) => GigyaReply,
  { authorization, observer = {}, timeoutMs = 5_000, retryMs = 1 }: Options = {},
) {
  const server = await serveGigya(answer);
  const gigya = openGigya('gigya', gigyaAuthorization(server.url, authorization), {
    observer,
    timeoutMs,
    retryMs,
  });
  onTestFinished(async () => {
    await server.close();
    await gigya.close();
  });
  const call = (options = {}, params: Record<string, unknown> = { UID: 'a-uid' }) =>
    gigya.call('accounts.setAccountInfo', params, z.unknown(), options);
  return { ...server, gigya, call };
}

async function errorOf(promise: Promise<unknown>): Promise<GigyaError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof GigyaError) return error;
  throw new Error(`No GigyaError: ${String(error)}`);
}

/** These answers first, one after the other, then success. */
const first =
  (...replies: GigyaReply[]) =>
  (_call: GigyaCall, n: number): GigyaReply =>
    replies[n] ?? {};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a call', () => {
  it('is a form with unchanged strings, objects and arrays as JSON, and without undefined values', async () => {
    const { call, calls } = await connect(() => ({}));
    const UID = "_guid_a+/= &ž!'()*~\n%41";
    await call({}, { UID, data: { lytics_segments: ['vip'] }, limit: 5, none: undefined });
    expect(calls).toMatchObject([
      {
        method: 'accounts.setAccountInfo',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ]);
    expect(calls[0]?.form).toEqual({
      UID,
      data: '{"lytics_segments":["vip"]}',
      limit: '5',
      format: 'json',
      httpStatusCodes: 'false',
      sdk: `lytics-gigya-export_${VERSION}`,
      apiKey: '3_testApiKey',
      userKey: 'AKtestUser',
      secret: expect.any(String),
    });
  });

  it('with half of a character pair is sent with U+FFFD in its place, as a form is', async () => {
    const { call, calls } = await connect(() => ({}));
    await call({}, { UID: 'a\ud800b' });
    expect(calls[0]?.form['UID']).toBe('a\ufffdb');
  });

  it('returns texts that are null as absent', async () => {
    const { call } = await connect(() => ({ errorMessage: null, errorDetails: null }));
    expect(await call()).toEqual({ callId: 'call-of-the-test', errorCode: 0 });
  });

  it.each([{ errorCode: null }, { errorCode: 'none' }])('fails when the reply has %j', async (reply) => {
    const { call } = await connect(() => reply);
    const error = await errorOf(call());
    expect(error.message).toContain('JSON that is not a Gigya reply');
  });

  it('returns everything that the reply contains, including unknown fields', async () => {
    const { gigya } = await connect(() => ({ totalCount: 3, extra: 'more' }));
    const reply = z.looseObject({ totalCount: z.number() });
    expect(await gigya.call('accounts.search', {}, reply)).toMatchObject({ totalCount: 3, extra: 'more' });
  });

  it('accepts an errorCode that is a string', async () => {
    const { call } = await connect(first({ errorCode: '403048' }, { errorCode: '0' }));
    expect(await call()).toMatchObject({ errorCode: 0 });
  });

  it('whose reply has another shape fails with its name, the place and the callId, and is not repeated', async () => {
    const { gigya, calls } = await connect(() => ({ results: [{ UID: 5 }] }));
    const reply = z.looseObject({ results: z.array(z.looseObject({ UID: z.string() })) });
    const error = await errorOf(gigya.call('accounts.search', {}, reply));
    expect(error.message).toBe(
      'accounts.search: the reply does not have the documented shape (results.0.UID), callId call-of-the-test; report this with the callId',
    );
    expect(error).toMatchObject({
      retry: 'never',
      scope: 'job',
      callId: 'call-of-the-test',
    });
    expect(calls).toHaveLength(1);
  });

  it('that is refused reports the method, the code, the message, the callId and the advice', async () => {
    const { call } = await connect(() =>
      refusal(403010, { errorMessage: 'Invalid Secret', errorDetails: 'Invalid parameter: secret' }),
    );
    const error = await errorOf(call());
    expect(error.message).toBe(
      'accounts.setAccountInfo: Gigya answered 403010 "Invalid Secret" (Invalid parameter: secret), callId call-of-the-test: the secret is not valid; correct the secret of gigya',
    );
    expect(error).toMatchObject({
      retry: 'never',
      scope: 'job',
      reason: '403010',
      callId: 'call-of-the-test',
    });
  });

  it('to the wrong data center reports the right one', async () => {
    const { call } = await connect(() =>
      refusal(301001, { errorMessage: 'Invalid data center', apiDomain: 'eu1.gigya.com' }),
    );
    expect((await errorOf(call())).message).toContain(
      '301001 "Invalid data center" (eu1.gigya.com), callId call-of-the-test: the site is in another data center: set gigya.datacenter',
    );
  });

  it('whose field Gigya refuses names the field', async () => {
    const { call } = await connect(() =>
      refusal(400020, { validationErrors: [{ fieldName: 'data.lytics_segments', message: 'x' }, {}] }),
    );
    expect((await errorOf(call())).message).toContain('400020 "The test refuses" (data.lytics_segments)');
  });

  it.each<[what: string, more: Record<string, unknown>]>([
    ['null', { validationErrors: null, errorDetails: null, callId: null, ignoredParams: null }],
    ['of another type', { validationErrors: {}, errorDetails: { why: 1 }, callId: 7, errorMessage: ['no'] }],
    ['lists of anything', { validationErrors: [null, 5, { fieldName: {} }], ignoredParams: [null, 5, {}] }],
  ])('that is refused with optional fields that are %s is refused all the same', async (_what, more) => {
    const { call, calls } = await connect(() => refusal(400006, more));
    expect(await errorOf(call())).toMatchObject({ retry: 'never', scope: 'record', reason: '400006' });
    expect(calls).toHaveLength(1);
  });

  it.each([
    [403005, 'Unauthorized user', 'record', 'unknown_uid'],
    [403005, 'The supplied userkey was not found', 'job', '403005'],
    [403200, 'Redundant operation', 'record', 'unchanged'],
    [400006, 'Invalid parameter value', 'record', '400006'],
    [403007, 'Permission denied', 'job', '403007'],
  ])(
    'refused with %i "%s" is a fault of the %s, %s, and not repeated',
    async (code, errorDetails, scope, reason) => {
      const { call, calls } = await connect(() => refusal(code, { errorDetails }));
      expect(await errorOf(call())).toMatchObject({ retry: 'never', scope, reason });
      expect(calls).toHaveLength(1);
    },
  );

  it('that is redirected is not followed, because the credentials would be sent along', async () => {
    const { call, calls } = await connect(
      () => (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    );
    expect(await errorOf(call())).toMatchObject({
      retry: 'never',
      scope: 'job',
      message:
        'accounts.setAccountInfo: redirected (HTTP 302), and redirects are not followed with credentials; correct gigya.base_url',
    });
    expect(calls).toHaveLength(1);
  });

  it('goes to the data center, in the namespace of its method, when there is no base URL', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await closedPort()}`);
    vi.stubEnv('https_proxy', undefined);
    vi.stubEnv('NO_PROXY', undefined);
    vi.stubEnv('no_proxy', undefined);
    const { base_url: _, ...authorization } = gigyaAuthorization('');
    const observed: string[] = [];
    const gigya = openGigya(
      'gigya',
      { ...authorization, datacenter: 'eu1.gigya.com' },
      { retryMs: 1, observer: { onCall: (method, code) => observed.push(`${method} ${code}`) } },
    );
    onTestFinished(() => gigya.close());
    const error = await errorOf(gigya.call('ds.store', {}, z.unknown()));
    expect(error.message).toMatch(/^ds\.store: no answer from Gigya \(.*ECONNREFUSED/);
    expect(observed).toEqual(Array(4).fill('ds.store no_answer'));
  });
});

describe('the rate limit (403048)', () => {
  it('is waited out, however often it occurs, without using up retries', async () => {
    const { monitor, troubles, throttled } = recordMonitor();
    const { call, calls } = await connect(first(...Array(8).fill(refusal(403048))));
    expect(await call({ monitor })).toMatchObject({ errorCode: 0 });
    expect(calls).toHaveLength(9);
    expect(throttled[0]).toBe('Gigya limits the rate to about 8000 calls a second');
    expect(troubles).toEqual([]);
  });

  it('is reported by every call after it, also without a rejection', async () => {
    const { monitor, throttled } = recordMonitor();
    const { call } = await connect((_, n) => (n === 0 ? refusal(403048) : {}), {
      authorization: { limits: { calls_per_second: 100, searches_per_second: 500, connections: 1 } },
    });
    await call();
    await call({ monitor });
    expect(throttled).toEqual([expect.stringMatching(/^Gigya limits the rate to about 8\d calls a second$/)]);
  });

  it('slows down calls and searches separately', async () => {
    const rates: [limit: string, rate: number][] = [];
    const { call, gigya } = await connect(
      ({ method }, n) => (n < 3 || (method === 'accounts.search' && n === 4) ? refusal(403048) : {}),
      {
        authorization: { limits: { calls_per_second: 1_000, searches_per_second: 500, connections: 5 } },
        observer: { onRate: (limit, rate) => rates.push([limit, Math.round(rate)]) },
      },
    );
    await call();
    expect(rates.splice(0)).toEqual([
      ['calls', 1000],
      ['searches', 500],
      ['calls', 800],
      ['calls', 640],
      ['calls', 512],
    ]);
    await gigya.call('accounts.search', {}, z.unknown());
    expect(rates).toEqual([['searches', 400]]);
  });

  it('slows down again for a call that was sent after the last cut, however long it had waited to be', async () => {
    const rates: number[] = [];
    const { call } = await connect((_, n) => (n < 2 ? refusal(403048) : {}), {
      authorization: { limits: { calls_per_second: 1_000, searches_per_second: 500, connections: 1 } },
      observer: { onRate: (limit, rate) => limit === 'calls' && rates.push(Math.round(rate)) },
    });
    // The second waits until the first was refused, and is refused itself.
    await Promise.all([call(), call()]);
    expect(rates).toEqual([1000, 800, 640]);
  });

  it('is kept in real time: calls do not exceed the configured rate', async () => {
    const waits: number[] = [];
    const { call, calls } = await connect(() => ({}), {
      authorization: { limits: { calls_per_second: 100, searches_per_second: 10, connections: 50 } },
      observer: { onWait: (ms) => waits.push(ms) },
    });
    await Promise.all(Array.from({ length: 30 }, (_, n) => call({}, { UID: `uid-${n}` })));
    // Ten go at once; the others wait a hundredth of a second for each that is before them.
    expect(calls).toHaveLength(30);
    expect(waits.length).toBeGreaterThanOrEqual(18);
    expect(Math.max(...waits)).toBeGreaterThan(150);
  });

  it('of searches is a share of that of calls', async () => {
    const waits: number[] = [];
    const { gigya } = await connect(() => ({}), {
      authorization: { limits: { calls_per_second: 1_000, searches_per_second: 50, connections: 50 } },
      observer: { onWait: (ms) => waits.push(ms) },
    });
    await Promise.all(Array.from({ length: 10 }, () => gigya.call('ds.search', {}, z.unknown())));
    // Five go at once; the last waits for five more.
    expect(Math.max(...waits)).toBeGreaterThan(80);
  });

  it('is not waited for by an aborted call', async () => {
    const { call, calls } = await connect(() => ({}), {
      authorization: { limits: { calls_per_second: 0.1, searches_per_second: 1, connections: 5 } },
    });
    await call();
    const giveUp = new AbortController();
    const reason = new Error('cancelled');
    const waiting = call({ signal: giveUp.signal });
    giveUp.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(calls).toHaveLength(1);
  });
});

describe('a transient fault', () => {
  const html = (response: ServerResponse) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html>502</html>');

  it.each<[what: string, reply: GigyaReply]>([
    ['409030', refusal(409030)],
    ['500001', refusal(500001)],
    ['504002', refusal(504002)],
    ["a proxy's HTML", html],
    ['a cut socket', (response) => response.destroy()],
    ['an empty answer', (response) => response.end()],
  ])('(%s) is retried', async (_what, reply) => {
    const { monitor, troubles, requests, successes } = recordMonitor();
    const { call, calls } = await connect(first(reply, reply, reply));
    expect(await call({ monitor })).toMatchObject({ errorCode: 0 });
    expect(calls).toHaveLength(4);
    expect(troubles).toHaveLength(3);
    expect(requests).toHaveLength(4);
    expect(requests.at(-1)).toEqual({ service: 'Gigya', isAnswered: true });
    expect(successes()).toBe(1);
  });

  it('is retried three times with increasing delays, and then reported', async () => {
    const { call, calls } = await connect(() => refusal(500001), { retryMs: 20 });
    const error = await errorOf(call());
    expect(error).toMatchObject({
      retry: 'now',
      reason: '500001',
      message: 'accounts.setAccountInfo: Gigya answered 500001 "The test refuses", callId call-of-the-test',
    });
    const gaps = calls.slice(1).map(({ at }, n) => at - (calls[n]?.at ?? 0));
    expect(gaps).toHaveLength(3);
    for (const [n, gap] of gaps.entries()) expect(gap).toBeGreaterThan(20 * 2 ** n - 2);
  });

  it('without an answer reports why', async () => {
    const { call } = await connect(() => () => {}, { timeoutMs: 30 });
    expect(await errorOf(call())).toMatchObject({
      retry: 'now',
      reason: 'no_answer',
      message: expect.stringMatching(
        /^accounts\.setAccountInfo: no answer from Gigya \(.*no answer within 0\.03 s/,
      ),
    });
    const { call: other } = await connect(() => html);
    expect((await errorOf(other())).message).toBe(
      'accounts.setAccountInfo: an answer that is not JSON (HTTP 502)',
    );
  });

  it('503001 is not retried here: Gigya asks for at least a minute', async () => {
    const { call, calls } = await connect(() => refusal(503001));
    expect(await errorOf(call())).toMatchObject({ retry: 'later', retryAfterMs: 60_000, reason: '503001' });
    expect(calls).toHaveLength(1);
  });

  it('is not retried by an aborted call', async () => {
    const giveUp = new AbortController();
    const reason = new Error('cancelled');
    const { call, calls } = await connect(() => refusal(500001), { retryMs: 60_000 });
    const { monitor } = recordMonitor(() => giveUp.abort(reason));
    await expect(call({ signal: giveUp.signal, monitor })).rejects.toBe(reason);
    expect(calls).toHaveLength(1);
  });

  it('calls beforeSend before each attempt', async () => {
    let asked = 0;
    const over = new Error('this attempt is over');
    const beforeSend = () => {
      if (++asked > 2) throw over;
    };
    const { call, calls } = await connect(() => refusal(500001));
    await expect(call({ beforeSend })).rejects.toBe(over);
    expect(calls).toHaveLength(2);
  });
});

describe('a clock or a nonce that Gigya refuses', () => {
  const anHourAhead = () => new Date(Date.now() + 3_600_000);
  const expired = (response: ServerResponse) =>
    response
      .writeHead(200, { date: anHourAhead().toUTCString() })
      .end(JSON.stringify({ callId: 'c', ...refusal(403002, { errorMessage: 'Request has expired' }) }));
  const signature: Options = { authorization: { authentication: 'signature' } };

  it("is corrected from the reply's Date, and the call retried with a fresh signature", async () => {
    const { call, calls } = await connect(first(expired), signature);
    expect(await call()).toMatchObject({ errorCode: 0 });
    const [before, after] = calls.map(({ form }) => form);
    const shift = Number(after?.['timestamp']) - Number(before?.['timestamp']);
    expect(shift).toBeGreaterThanOrEqual(3_598);
    expect(shift).toBeLessThanOrEqual(3_602);
    expect(after?.['nonce']).not.toBe(before?.['nonce']);
    expect(after?.['sig']).not.toBe(before?.['sig']);
  });

  it('stays corrected for the calls that follow', async () => {
    const { call, calls } = await connect(first(expired), signature);
    await call();
    await call();
    const ahead = Number(calls[2]?.form['timestamp']) - Date.now() / 1000;
    expect(ahead).toBeGreaterThan(3_590);
  });

  it('is corrected once: the second time it is reported, and not repeated', async () => {
    const { call, calls } = await connect(() => expired, signature);
    expect(await errorOf(call())).toMatchObject({ retry: 'briefly', scope: 'job', reason: '403002' });
    expect(calls).toHaveLength(2);
  });

  it.each([403002, 403003])('is off by the number of seconds in the message for %i', async (code) => {
    const refused = (response: ServerResponse) =>
      response.writeHead(200, { date: anHourAhead().toUTCString() }).end(JSON.stringify(refusal(code)));
    const { call } = await connect(() => refused, signature);
    expect((await errorOf(call())).message).toMatch(
      /this machine's clock; it is 3[56]\d\d s behind Gigya's$/,
    );
  });

  it('403003 does not mention the clock when it is right', async () => {
    const { call } = await connect(() => refusal(403003), signature);
    expect((await errorOf(call())).message).toMatch(/check this machine's clock$/);
  });

  it('403004 (a nonce used before) is retried once with a fresh one', async () => {
    const { call, calls } = await connect(first(refusal(403004)), signature);
    await call();
    expect(new Set(calls.map(({ form }) => form['nonce'])).size).toBe(2);
  });

  it('signs the address that it calls, including the port', async () => {
    const secret_key = 'c2VjcmV0LW9mLXRoZS10ZXN0';
    const { call, calls, url } = await connect(() => ({}), {
      authorization: { authentication: 'signature', secret_key },
    });
    await call({}, { UID: "a'b(c)*!", data: { lytics_segments: ['ž'] } });
    const { sig, ...signed } = calls[0]?.form ?? {};
    expect(sig).toBe(signRequest(secret_key, `${url}/accounts.setAccountInfo`, signed));
    expect(signed).not.toHaveProperty('secret');
  });
});

describe('a gateway that refuses the request', () => {
  it.each([400, 403, 404, 413, 501, 511])(
    'with HTTP %i may pass, but needs a person if it does not',
    async (status) => {
      const { call, calls } = await connect(() => (response) => response.writeHead(status).end('<html>'));
      const error = await errorOf(call());
      expect(error).toMatchObject({ retry: 'briefly', scope: 'job', reason: 'no_answer' });
      expect(error.message).toBe(
        `accounts.setAccountInfo: an answer that is not JSON (HTTP ${status}); check gigya.base_url and any proxy`,
      );
      expect(calls).toHaveLength(1);
    },
  );

  it('with JSON of something else is not Gigya', async () => {
    const { call, calls } = await connect(() => (response) => response.end('{"ok":true}'));
    expect(await errorOf(call())).toMatchObject({
      retry: 'briefly',
      message:
        'accounts.setAccountInfo: JSON that is not a Gigya reply (HTTP 200); check gigya.base_url and any proxy',
    });
    expect(calls).toHaveLength(1);
  });

  it.each([408, 425, 429, 500, 503])('with HTTP %i is overloaded: the call is retried', async (status) => {
    const { call, calls } = await connect(() => (response) => response.writeHead(status).end('<html>'));
    expect(await errorOf(call())).toMatchObject({ retry: 'now', reason: 'no_answer' });
    expect(calls).toHaveLength(4);
  });
});

describe('a parameter that Gigya ignores', () => {
  const ignoring = (...names: (string | null)[]) => ({
    ignoredParams: names.map((paramName) => ({ paramName, warningCode: 403007, message: 'ignored' })),
  });

  it.each(['UID', 'data', 'type', 'oid', 'updateBehavior', 'openCursor', 'include'])(
    'is a configuration fault when a call is nothing without it: %s',
    async (name) => {
      const { call, calls } = await connect(() => ignoring('sdk', name));
      const write = { UID: 'a', data: {}, type: 't', oid: 'o', updateBehavior: 'u' };
      const error = await errorOf(call({}, { ...write, openCursor: true, include: 'data' }));
      expect(error).toMatchObject({ retry: 'never', scope: 'job', callId: 'call-of-the-test' });
      expect(error.message).toBe(
        `accounts.setAccountInfo: Gigya ignored ${name}, callId call-of-the-test: give gigya.user_key the permission for it in the Gigya console`,
      );
      expect(calls).toHaveLength(1);
    },
  );

  it.each([
    ['in other letters', [{ paramName: 'DATA' }]],
    ['by its name alone', ['data']],
    ['without a list', { paramName: 'data' }],
  ])('is found when it is named %s', async (_how, ignoredParams) => {
    const { call } = await connect(() => ({ ignoredParams }));
    expect((await errorOf(call({}, { UID: 'a', data: {} }))).message).toContain('Gigya ignored data');
  });

  it('does not matter when the call does not depend on it, or did not send it', async () => {
    const odd = [null, 1, {}, [[]]].map((ignoredParams) => ({ ignoredParams }));
    for (const reply of [ignoring('sdk', 'include', null), ignoring('type'), ...odd]) {
      const { call } = await connect(() => reply);
      expect(await call({}, { UID: 'a', data: {} })).toMatchObject({ errorCode: 0 });
    }
  });
});

describe('a search that may be too long (500001)', () => {
  const search = { query: 'SELECT UID FROM accounts' };

  it('is left immediately to a caller that can split it', async () => {
    const { gigya, calls } = await connect(() => refusal(500001));
    const error = await errorOf(gigya.call('accounts.search', search, z.unknown(), { splits: true }));
    expect(error.mayBeTooLong).toBe(true);
    expect(calls).toHaveLength(1);
  });

  it('is retried like any server error otherwise', async () => {
    const { gigya, calls } = await connect(first(refusal(500001)));
    await gigya.call('accounts.search', search, z.unknown());
    expect(calls).toHaveLength(2);
  });
});

describe('connections', () => {
  it('do not exceed the setting, however many calls there are', async () => {
    let underWay = 0;
    let most = 0;
    const { call } = await connect(
      () => (response) => {
        most = Math.max(most, ++underWay);
        setTimeout(() => {
          underWay--;
          response.end('{"errorCode":0}');
        }, 5);
      },
      { authorization: { limits: { calls_per_second: 10_000, searches_per_second: 10, connections: 3 } } },
    );
    await Promise.all(Array.from({ length: 15 }, () => call()));
    expect(most).toBe(3);
  });
});

describe('an observer', () => {
  it('is notified of every call with its code and time', async () => {
    const seen: [string, number | string][] = [];
    const { call } = await connect(
      first(refusal(500001), (response) => response.destroy()),
      {
        observer: {
          onCall: (method, code, ms) => {
            expect(ms).toBeGreaterThanOrEqual(0);
            seen.push([method, code]);
          },
        },
      },
    );
    await call();
    expect(seen.map(([, code]) => code)).toEqual([500001, 'no_answer', 0]);
  });
});
