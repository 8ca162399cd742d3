import pLimit from 'p-limit';
import pRetry from 'p-retry';
import { z } from 'zod';
import type { GigyaAuthorization } from '../authorizations.ts';
import { type HttpReply, NoAnswer, openHttp } from '../http.ts';
import { createAuthenticate } from './auth.ts';
import { adviceOn, classifyGigyaError, GigyaError } from './errors.ts';
import { createLimiter, type Limiter } from './limiter.ts';

/** What a client tells of its calls, for metrics and for the person who watches. */
export interface GigyaObserver {
  /** A call was answered. `code` is Gigya's errorCode, or a word when there was none. */
  onCall?(method: string, code: number | 'no_answer', ms: number): void;
  /** A call waited this long for its turn under the rate limit. */
  onWait?(ms: number, authorization: string): void;
  /** Calls a second from now on: told at the start, now and then, and when Gigya refuses for the rate. */
  onRate?(limit: 'calls' | 'searches', rate: number, authorization: string): void;
}

export interface CallOptions {
  /** Gives up the call, also while it waits for the rate limit. */
  signal?: AbortSignal | undefined;
  /** Called right before each sending; a throw keeps the request from being sent. */
  beforeSend?: (() => void) | undefined;
  /** Told in words that the call waits for the rate limit, or will be sent again and why. */
  onTrouble?: ((trouble: string, lastsMs?: number) => void) | undefined;
}

export interface GigyaOptions {
  observer?: GigyaObserver;
  /** The time an answer may take, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
  /** The first wait before a call is sent again, in ms; it doubles twice, with jitter. @default 1000 */
  retryMs?: number | undefined;
}

/** One Gigya authorization: its connections, its credentials and its rate limit, shared by all jobs of a worker. */
export interface Gigya {
  /** The authorization's name, for messages. */
  readonly name: string;
  /**
   * Calls a method and checks its reply.
   * Waits as long as it takes for the rate limit, sends transient faults again a few times, seconds apart.
   *
   * @param params Objects and arrays are sent as JSON.
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

const RETRIES = 3;
const UNAVAILABLE = 503001;
/** A rate recovers without a word from Gigya. */
const TELL_RATES_MS = 5_000;

const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);

// What is not there may be left out, or be null.
const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined);

const envelope = z.looseObject({
  errorCode: numeric,
  callId: optionalText,
  errorMessage: optionalText,
  errorDetails: optionalText,
  apiDomain: optionalText,
  validationErrors: z.array(z.looseObject({ fieldName: z.string().optional() })).optional(),
});
type Envelope = z.output<typeof envelope>;

export function openGigya(
  name: string,
  authorization: GigyaAuthorization,
  options: GigyaOptions = {},
): Gigya {
  const { observer = {}, timeoutMs, retryMs = 1000 } = options;
  const { connections, calls_per_second, searches_per_second } = authorization.limits;
  const authenticate = createAuthenticate(name, authorization);
  const slots = pLimit(connections);
  const calls = createLimiter({ ceiling: calls_per_second });
  const searches = createLimiter({ ceiling: searches_per_second });
  const origins = new Map<string, ReturnType<typeof openHttp>>();
  let clockOffset = 0;
  let ratesToldAt = Number.NEGATIVE_INFINITY;

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

  function tellRates(now: number): void {
    if (now - ratesToldAt < TELL_RATES_MS) return;
    ratesToldAt = now;
    observer.onRate?.('calls', calls.rate, name);
    observer.onRate?.('searches', searches.rate, name);
  }

  async function takeTurn(isSearch: boolean, signal: AbortSignal | undefined): Promise<void> {
    const since = performance.now();
    tellRates(since);
    if (isSearch) await searches.take(signal);
    await calls.take(signal);
    const waited = performance.now() - since;
    if (waited >= 1) observer.onWait?.(waited, name);
  }

  async function exchange(
    method: string,
    form: Record<string, string>,
    options: CallOptions,
  ): Promise<HttpReply> {
    const origin = originOf(method);
    const credentials = await authenticate(`${origin}/${method}`, form, Date.now() + clockOffset);
    return connectionsTo(origin).send({
      method: 'POST',
      path: `/${method}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...credentials.headers },
      body: new URLSearchParams({ ...form, ...credentials.params }).toString(),
      signal: options.signal,
      beforeSend: options.beforeSend,
    });
  }

  /** One sending and its answer, of which the limiter learns before the next call takes its place. */
  async function ask(method: string, form: Record<string, string>, limiter: Limiter, options: CallOptions) {
    const sentAt = limiter.now();
    let answer: HttpReply;
    try {
      answer = await exchange(method, form, options);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      observer.onCall?.(method, 'no_answer', limiter.now() - sentAt);
      const message = `${method}: no answer from Gigya (${error.message})`;
      throw new GigyaError(message, { kind: 'transient', method });
    }
    const reply = readEnvelope(method, answer);
    observer.onCall?.(method, reply.errorCode, limiter.now() - sentAt);
    const kind = reply.errorCode === 0 ? 'fine' : classifyGigyaError(reply.errorCode, reply.errorDetails);
    if (kind === 'wait') limiter.refused(sentAt);
    else limiter.accepted();
    return { reply, kind, date: answer.date };
  }

  /** Sends until Gigya answers for good: the rate limit is waited out, a clock or nonce mended once. */
  async function converse(
    method: string,
    form: Record<string, string>,
    options: CallOptions,
  ): Promise<Envelope> {
    const isSearch = method.endsWith('.search');
    const limiter = isSearch ? searches : calls;
    let mended = false;
    for (;;) {
      await takeTurn(isSearch, options.signal);
      const { reply, kind, date } = await slots(() => ask(method, form, limiter, options));
      if (reply.errorCode === 0) return reply;
      if (kind === 'wait') {
        observer.onRate?.(isSearch ? 'searches' : 'calls', limiter.rate, name);
        options.onTrouble?.(`waiting for Gigya's rate limit, at ${limiter.rate.toFixed(1)} calls a second`);
      } else if (kind === 'once' && !mended) {
        mended = true;
        if (date !== undefined) clockOffset = date - Date.now();
      } else {
        throw describeRefusal(method, form, reply, kind);
      }
    }
  }

  function readEnvelope(method: string, answer: HttpReply): Envelope {
    if (answer.location !== undefined) {
      const message = `${method}: redirected (HTTP ${answer.status}), which is not followed with credentials; correct ${name}.${authorization.base_url ? 'base_url' : 'datacenter'}`;
      throw new GigyaError(message, { kind: 'configuration', method });
    }
    const read = envelope.safeParse(answer.json);
    if (read.success) return read.data;
    const what = answer.json === undefined ? 'an answer that is not JSON' : 'JSON that is no Gigya reply';
    throw new GigyaError(`${method}: ${what} (HTTP ${answer.status})`, { kind: 'transient', method });
  }

  function describeRefusal(
    method: string,
    form: Record<string, string>,
    reply: Envelope,
    kind: ReturnType<typeof classifyGigyaError>,
  ): GigyaError {
    const { errorCode: code, callId, errorMessage = 'no message' } = reply;
    // Once is the second time here: the mended clock did not help.
    const asConfiguration = kind === 'configuration' || kind === 'once';
    const parts = [`${method}: Gigya answered ${code} "${withoutValues(errorMessage, form)}"`];
    if (asConfiguration) {
      // Details can quote what was sent; that of a single record stays out altogether.
      const fields = reply.validationErrors?.flatMap(({ fieldName }) => fieldName ?? []) ?? [];
      const details = [
        reply.errorDetails?.replace(/"[^"]*"/g, '"…"') ?? '',
        ...fields,
        reply.apiDomain ?? '',
      ];
      const said = details.filter((detail) => detail !== '' && detail !== errorMessage);
      if (said.length > 0) parts.push(` (${withoutValues(said.join(', '), form)})`);
    }
    if (callId !== undefined) parts.push(`, callId ${callId}`);
    if (asConfiguration) parts.push(`: ${adviceOn(code, name)}`);
    return new GigyaError(parts.join(''), { kind, method, code, callId });
  }

  /** Keeps what was sent (a UID, a query, credentials) out of a text of Gigya's that quotes it. */
  function withoutValues(said: string, form: Record<string, string>): string {
    const { UID, query = '', data } = form;
    const asked = [...query.matchAll(/"([^"]+)"/g)].map(([, text]) => text);
    const secrets = [authorization.secret_key, authorization.private_key, UID, query, ...asked, data];
    return secrets.reduce<string>((text, value) => (value ? text.replaceAll(value, '…') : text), said);
  }

  function readReply<T extends z.ZodType>(method: string, answered: Envelope, reply: T): z.output<T> {
    const read = reply.safeParse(answered);
    if (read.success) return read.data;
    const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
    const message = `${method}: the reply is not as documented (${where || 'no object'}), callId ${answered.callId}`;
    throw new GigyaError(message, { kind: 'configuration', method, callId: answered.callId });
  }

  return {
    name,
    async call(method, params, reply, options = {}) {
      const form: Record<string, string> = { format: 'json', httpStatusCodes: 'false' };
      for (const [key, value] of Object.entries(params)) {
        if (value !== undefined) form[key] = typeof value === 'string' ? value : JSON.stringify(value);
      }
      const attempt = async () => readReply(method, await converse(method, form, options), reply);
      return pRetry(attempt, {
        retries: RETRIES,
        minTimeout: retryMs,
        randomize: true,
        // Of 503001 a minute at least is asked for: that is Temporal's to wait.
        shouldRetry: ({ error }) =>
          error instanceof GigyaError && error.kind === 'transient' && error.code !== UNAVAILABLE,
        onFailedAttempt: ({ error, retriesLeft }) => {
          const isTransient = error instanceof GigyaError && error.kind === 'transient';
          if (isTransient && error.code !== UNAVAILABLE && retriesLeft > 0)
            options.onTrouble?.(error.message);
        },
        ...(options.signal && { signal: options.signal }),
      });
    },
    async close() {
      await Promise.all([...origins.values()].map((origin) => origin.close()));
    },
  };
}
