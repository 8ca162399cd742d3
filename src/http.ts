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

  function send({ method, path, headers, body, signal, beforeSend }: HttpRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      let underWay: Dispatcher.DispatchController | undefined;
      let isOver = false;
      let status = 0;
      let fields: Record<string, string | string[] | undefined> = {};
      const chunks: Buffer[] = [];

      function end(): void {
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
      function fail(reason: Error): void {
        end();
        reject(reason);
        underWay?.abort(reason);
      }
      const onAbort = () => fail(signal?.reason);
      // undici's own time limits start anew with each byte: an answer that drips would never end.
      const timer = setTimeout(() => fail(new NoAnswer(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });

      const request = { origin, path: prefix + path, method, headers: headers ?? null, body: body ?? null };
      // The bare handler: a stream for the body and an AbortController cost more than all else here.
      dispatcher.dispatch(request, {
        // The tick in which it is written: until then it may have waited for a connection.
        onRequestStart(controller) {
          if (isOver) throw new NoAnswer('given up before it was sent');
          beforeSend?.();
          underWay = controller;
        },
        onResponseStart(_, statusCode, received) {
          status = statusCode;
          fields = received;
        },
        onResponseData(_, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          end();
          resolve({
            status,
            json: parseJson(utf8.decode(Buffer.concat(chunks))),
            date: readDate(fields['date']),
            retryAfter: readRetryAfter(fields['retry-after']),
            location: status >= 300 && status < 400 ? String(fields['location'] ?? '') : undefined,
          });
        },
        onResponseError(_, error) {
          fail(isNetworkError(error) ? new NoAnswer(describeNetworkError(error)) : error);
        },
      });
    });
  }

  return { send, close: () => dispatcher.close() };
}

const utf8 = new TextDecoder();

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
