import pRetry from 'p-retry';
import type { z } from 'zod';
import type { GigyaAuthorization } from '../authorizations.ts';
import { type HttpReply, NoAnswer, openHttp } from '../http.ts';
import type { CallMonitor } from '../monitor.ts';
import { REPORT_RATES_MS, RETRIES } from '../tuning.ts';
import { VERSION } from '../version.ts';
import { type Credentials, createAuthenticate } from './auth.ts';
import { decide, GigyaError } from './errors.ts';
import type { Limiter } from './limiter.ts';
import { createLookUpSize, type LookUpSize } from './lookUpSize.ts';
import {
  assertNothingIgnored,
  type Call,
  type Caller,
  describeRefusal,
  readEnvelope,
  readReply,
} from './reply.ts';
import type { Turn } from './slots.ts';
import { createTurns } from './turns.ts';

/** What a client reports about its calls, for metrics. */
export interface GigyaObserver {
  /** A call was answered. `code` is Gigya's errorCode. */
  onCall?(method: string, code: number | 'no_answer', ms: number): void;
  /** A call waited this long for its turn under the rate limit. */
  onWait?(ms: number, authorization: string): void;
  /** The rate from now on, in calls per second: reported at the start, now and then, and after each 403048. */
  onRate?(limit: 'calls' | 'searches', rate: number, authorization: string): void;
}

export interface CallOptions {
  /** Gives up the call, also while it waits for the rate limit. */
  signal?: AbortSignal | undefined;
  /** Called just before each request is written to its socket; a throw keeps it from being sent. */
  beforeSend?: (() => void) | undefined;
  monitor?: CallMonitor | undefined;
  /** Whose turn the call is while more calls wait than may be sent. */
  turn?: Turn | undefined;
  /** Leaves a query that may be too long to the caller, who can split it. */
  splits?: boolean | undefined;
}

export interface GigyaOptions {
  observer?: GigyaObserver;
  /** How long an answer may take, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
  /** The wait before the first retry, in ms; it doubles twice, with jitter. @default 1000 */
  retryMs?: number | undefined;
}

/** One Gigya authorization: its connections, credentials and rate limit, shared by all jobs of a worker. */
export interface Gigya {
  /** The authorization's name, for messages. */
  readonly name: string;
  /** How many calls may be under way at once, at most. */
  readonly connections: number;
  /** How many UIDs a search may ask for. */
  readonly lookUpSize: LookUpSize;
  /**
   * Calls a method and checks its reply. Waits for the rate limit as long as it takes; retries transient
   * faults a few times, seconds apart.
   *
   * @param params Objects and arrays are sent as JSON; undefined ones are left out.
   * @throws {GigyaError}
   */
  call<T extends z.ZodType>(
    method: string,
    params: Record<string, unknown>,
    reply: T,
    options?: CallOptions,
  ): Promise<z.output<T>>;
  close(): Promise<void>;
}

const SDK = `lytics-gigya-export_${VERSION}`;

export function openGigya(
  name: string,
  authorization: GigyaAuthorization,
  options: GigyaOptions = {},
): Gigya {
  const { observer = {}, timeoutMs, retryMs = 1000 } = options;
  const caller: Caller = {
    name,
    secrets: [authorization.secret_key, authorization.private_key],
    addressSetting: authorization.base_url === undefined ? 'datacenter' : 'base_url',
  };
  const authenticate = createAuthenticate(name, authorization);
  const turns = createTurns(authorization.limits, (ms) => observer.onWait?.(ms, name));
  const { calls, searches, connections } = turns;
  const origins = new Map<string, ReturnType<typeof openHttp>>();
  let clockOffset = 0;
  let ratesReportedAt = Number.NEGATIVE_INFINITY;

  function originOf(method: string): string {
    if (authorization.base_url !== undefined) return authorization.base_url;
    return `https://${method.split('.')[0]}.${authorization.datacenter}`;
  }

  function connectionsTo(origin: string) {
    const known = origins.get(origin);
    if (known) return known;
    const opened = openHttp(origin, { connections, timeoutMs });
    origins.set(origin, opened);
    return opened;
  }

  function reportRates(now: number): void {
    if (now - ratesReportedAt < REPORT_RATES_MS) return;
    ratesReportedAt = now;
    observer.onRate?.('calls', calls.rate, name);
    observer.onRate?.('searches', searches.rate, name);
  }

  /** Rejections are rare once the rate fits the quota, but the limit lasts until the rate is back at its setting. */
  function reportLimit(isSearch: boolean, monitor: CallMonitor | undefined): void {
    const { rate, limitedMs } = isSearch ? searches : calls;
    if (limitedMs === undefined) return;
    const limit = isSearch ? 'searches' : 'calls';
    monitor?.throttled(`Gigya limits the rate to about ${figure(rate)} ${limit} a second`, limitedMs);
  }

  function post({ method, form }: Call, { signal, beforeSend }: CallOptions): Promise<HttpReply> {
    const origin = originOf(method);
    const send = ({ headers, params }: Credentials) =>
      connectionsTo(origin).send({
        method: 'POST',
        path: `/${method}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: `${encodeForm(form)}&${encodeForm(params)}`,
        signal,
        beforeSend,
      });
    const credentials = authenticate(`${origin}/${method}`, form, Date.now() + clockOffset);
    return credentials instanceof Promise ? credentials.then(send) : send(credentials);
  }

  /** Counts a request without an answer, and turns its failure into an error. */
  function unanswered({ method }: Call, failure: unknown, ms: number): unknown {
    if (!(failure instanceof NoAnswer)) return failure;
    observer.onCall?.(method, 'no_answer', ms);
    const fix = failure.passes ? '' : `; check ${name}.${caller.addressSetting} and any proxy`;
    return new GigyaError(`${method}: no answer from Gigya (${failure.message})${fix}`, {
      retry: failure.passes ? 'now' : 'briefly',
      scope: 'job',
      reason: 'no_answer',
    });
  }

  /** One request and its reply, which the limiter learns of before the next call takes its place. */
  async function ask(call: Call, limiter: Limiter, options: CallOptions) {
    const sentAt = limiter.now();
    const answered = options.monitor?.sent('Gigya', call.method.endsWith('.search') ? 'search' : undefined);
    let answer: HttpReply;
    try {
      answer = await post(call, options);
      answered?.(true);
    } catch (failure) {
      answered?.(false);
      throw unanswered(call, failure, limiter.now() - sentAt);
    }
    const reply = readEnvelope(call, answer, caller);
    const ms = limiter.now() - sentAt;
    turns.answered(ms);
    observer.onCall?.(call.method, reply.errorCode, ms);
    const refusal =
      reply.errorCode === 0 ? undefined : decide(call.method, reply.errorCode, reply.errorDetails);
    if (refusal?.handling === 'slow_down') limiter.refused(sentAt);
    else limiter.accepted();
    return { reply, refusal, date: answer.date };
  }

  /** Sends until Gigya gives a final answer: the rate limit is waited out, a clock or nonce corrected once. */
  async function converse<T extends z.ZodType>(
    call: Call,
    shape: T,
    options: CallOptions,
  ): Promise<z.output<T>> {
    const isSearch = call.method.endsWith('.search');
    const limiter = isSearch ? searches : calls;
    let isMended = false;
    const waiting = { isSearch, uid: call.form['UID'], turn: options.turn, signal: options.signal };
    for (;;) {
      reportRates(performance.now());
      const { reply, refusal, date } = await turns.take(waiting, () => {
        reportLimit(isSearch, options.monitor);
        return ask(call, limiter, options);
      });
      if (!refusal) {
        assertNothingIgnored(call, reply, caller);
        const read = readReply(call, reply, shape);
        options.monitor?.succeeded();
        return read;
      }
      if (refusal.handling === 'slow_down') {
        observer.onRate?.(isSearch ? 'searches' : 'calls', limiter.rate, name);
        reportLimit(isSearch, options.monitor);
      } else if (refusal.handling === 'mend' && !isMended) {
        isMended = true;
        if (date !== undefined) clockOffset = date - Date.now();
      } else {
        throw describeRefusal(call, reply, refusal, caller, date === undefined ? 0 : date - Date.now());
      }
    }
  }

  /** Calls again after a call that failed, if the failure is known to pass. */
  function retry<T>(
    failure: unknown,
    attempt: () => Promise<T>,
    { signal, splits, monitor }: CallOptions,
  ): Promise<T> {
    const isRetried = (error: unknown): error is GigyaError =>
      error instanceof GigyaError && error.retry === 'now' && !(splits && error.mayBeTooLong);
    return pRetry((number) => (number === 1 ? Promise.reject(failure) : attempt()), {
      retries: RETRIES,
      minTimeout: retryMs,
      randomize: true,
      shouldRetry: ({ error }) => isRetried(error),
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (isRetried(error) && retriesLeft > 0) monitor?.trouble(error.message);
      },
      ...(signal && { signal }),
    });
  }

  return {
    name,
    connections,
    lookUpSize: createLookUpSize(),
    async call(method, params, shape, options = {}) {
      const call: Call = { method, form: formOf(params) };
      const attempt = () => converse(call, shape, options);
      try {
        return await attempt();
      } catch (failure) {
        // p-retry takes 4 % of the CPU time of an export, so only calls that fail go through it.
        return retry(failure, attempt, options);
      }
    },
    async close() {
      await Promise.all([...origins.values()].map((origin) => origin.close()));
    },
  };
}

function formOf(params: Record<string, unknown>): Record<string, string> {
  const form: Record<string, string> = { format: 'json', httpStatusCodes: 'false', sdk: SDK };
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined) form[key] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return form;
}

/** As URLSearchParams would, which takes three times as long. */
function encodeForm(form: Readonly<Record<string, string>>): string {
  return Object.entries(form)
    .map(([key, value]) => `${key}=${encodeURIComponent(value.toWellFormed())}`)
    .join('&');
}

const figure = (rate: number) => (rate < 10 ? rate.toFixed(1) : String(Math.round(rate)));
