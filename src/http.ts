import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { isLoopback } from './authorizations.ts';

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Path and query, as they go on the wire. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Gives up this request; its reason is thrown. */
  signal?: AbortSignal | undefined;
  /** Called in the tick in which the socket is written to, be it after a wait for one; a throw keeps it from being sent. */
  beforeSend?: (() => void) | undefined;
}

export interface HttpReply {
  status: number;
  /** The reply's body when it is JSON, `undefined` when it is anything else (a proxy's HTML, nothing). */
  json: unknown;
  /** The `Date` header in ms, the other side's clock. */
  date: number | undefined;
  /** The `Retry-After` header in ms. */
  retryAfter: number | undefined;
  /** Where a redirect points to. Redirects are never followed: the credentials would go along. */
  location: string | undefined;
}

/** No usable answer: the connection failed, broke, or the answer took longer than allowed. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface Http {
  send(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Sockets to the service at the most. */
  connections: number;
  /** The time from sending a request to the last byte of its answer, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
}

/**
 * A pool of connections to one service. `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are respected,
 * except for loopback hosts, which no proxy can reach.
 */
export function openHttp(baseUrl: string, { connections, timeoutMs = 30_000 }: HttpOptions): Http {
  const { origin, hostname, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const limits = { connections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const dispatcher: Dispatcher = isLoopback(hostname)
    ? new Pool(origin, limits)
    : new EnvHttpProxyAgent(limits);

  async function send(request: HttpRequest): Promise<HttpReply> {
    // undici's own time limits start anew with each byte: an answer that drips would never end.
    const giveUp = new AbortController();
    const timer = setTimeout(
      () => giveUp.abort(new NoAnswer(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const onAbort = () => giveUp.abort(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      request.signal?.throwIfAborted();
      const sender = request.beforeSend ? dispatcher.compose(checkedBy(request.beforeSend)) : dispatcher;
      const { statusCode, headers, body } = await sender.request({
        origin,
        path: prefix + request.path,
        method: request.method,
        headers: request.headers ?? null,
        body: request.body ?? null,
        signal: giveUp.signal,
      });
      const text = await body.text();
      return {
        status: statusCode,
        json: parseJson(text),
        date: readDate(headers['date']),
        retryAfter: readRetryAfter(headers['retry-after']),
        location: statusCode >= 300 && statusCode < 400 ? String(headers['location'] ?? '') : undefined,
      };
    } catch (error) {
      request.signal?.throwIfAborted();
      if (giveUp.signal.aborted) throw giveUp.signal.reason;
      if (!isNetworkError(error)) throw error;
      throw new NoAnswer(describeNetworkError(error));
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  return { send, close: () => dispatcher.close() };
}

/** A request may be queued until a connection is made: the check belongs to the moment in which it is written. */
function checkedBy(check: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        check();
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readDate(header: string | string[] | undefined): number | undefined {
  const time = Date.parse(String(header));
  return Number.isNaN(time) ? undefined : time;
}

function readRetryAfter(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = readDate(header);
  return date === undefined ? undefined : Math.max(0, date - Date.now());
}

/** Errors of sockets, DNS, TLS and undici carry a code; a mistake in our own code does not. */
function isNetworkError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function describeNetworkError(error: Error & { code: string }): string {
  return error.message.includes(error.code) ? error.message : `${error.message} (${error.code})`;
}
