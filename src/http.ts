import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { unwatchAbort, watchAbort } from './aborts.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange, type Response } from './exchange.ts';
import { asNoAnswer, NoAnswer } from './noAnswer.ts';
import { readProxies } from './proxies.ts';
import { isLoopback } from './urls.ts';
import { VERSION } from './version.ts';

export { NoAnswer } from './noAnswer.ts';

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Path and query, as sent. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Aborts the request; its reason is thrown. */
  signal?: AbortSignal | undefined;
  /** Called just before the request is written to its socket. If it throws, the request is not sent. */
  beforeSend?: (() => void) | undefined;
}

export interface HttpReply {
  status: number;
  /** The body if it is JSON, else `undefined` (a proxy's HTML, an empty body). */
  json: unknown;
  /** The `Date` header in ms: the server's clock. */
  date: number | undefined;
  /** The `Retry-After` header in ms, capped at the maximum of a timer. */
  retryAfter: number | undefined;
  /** The target of a redirect. Redirects are never followed, because the credentials would be sent along. */
  location: string | undefined;
}

export interface Http {
  send(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Maximum number of sockets to the service. */
  connections: number;
  /** From `send` to the last byte of the reply, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
}

/** Not implemented, HTTP version not supported, and network authentication required, as by a captive portal. */
const LASTING_ERRORS = [501, 505, 511];
/** Timeouts and overload. */
const PASSING_ERRORS = [408, 425, 429];

/** Whether the same request most likely gets this status again, until a person changes something. */
export function isLasting(status: number): boolean {
  if (status >= 500) return LASTING_ERRORS.includes(status);
  return status >= 400 && !PASSING_ERRORS.includes(status);
}

/** The maximum: Node turns a longer timer into one of 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const HEADERS = {
  'user-agent': `lytics-gigya-export/${VERSION}`,
  // A request without this header permits any coding.
  'accept-encoding': 'identity',
};

/**
 * A pool of connections to one service. `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` apply, except to
 * loopback hosts, which no proxy can reach.
 */
export function openHttp(baseUrl: string, { connections, timeoutMs = 30_000 }: HttpOptions): Http {
  const { origin, host, hostname, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const timeout = Math.min(timeoutMs, LONGEST_TIMER_MS);
  const limits = { connections, headersTimeout: timeout, bodyTimeout: timeout };
  const dispatcher: Dispatcher = isLoopback(hostname)
    ? new Pool(origin, limits)
    : new EnvHttpProxyAgent({ ...limits, ...readProxies(process.env) });
  // undici's own timeouts restart with each byte: a reply that trickles in would never end.
  const deadlines = new Deadlines<Exchange>(timeout, (exchange) =>
    exchange.abort(new NoAnswer(`${host}: no answer within ${timeout / 1000} s`)),
  );

  async function send(request: HttpRequest): Promise<HttpReply> {
    const { method, path, headers, body = null, signal, beforeSend } = request;
    signal?.throwIfAborted();
    const exchange = new Exchange(beforeSend);
    const onAbort = () => exchange.abort(signal?.reason);
    if (signal) watchAbort(signal, onAbort);
    deadlines.open(exchange);
    try {
      const options = { origin, path: prefix + path, method, headers: { ...HEADERS, ...headers }, body };
      dispatcher.dispatch(options, exchange);
      const response = await exchange.response;
      const coding = response.headers['content-encoding'];
      return readReply(
        response,
        coding === undefined ? response.body : await decode(response.body, String(coding)),
      );
    } catch (error) {
      throw signal?.aborted ? signal.reason : asNoAnswer(host, error);
    } finally {
      deadlines.close(exchange);
      if (signal) unwatchAbort(signal, onAbort);
    }
  }

  return { send, close: () => dispatcher.close() };
}

function readReply({ status, headers }: Response, body: Uint8Array): HttpReply {
  return {
    status,
    json: parseJson(utf8.decode(body)),
    date: readDate(headers['date']),
    retryAfter: readRetryAfter(headers['retry-after']),
    location: status >= 300 && status < 400 ? String(headers['location'] ?? '') : undefined,
  };
}

type Decoder = (body: Uint8Array) => Promise<Uint8Array>;

const zlibInflate = promisify(inflate);
const rawInflate = promisify(inflateRaw);

/** Many servers send deflate without zlib's header: RFC 9110, 8.4.1.2. */
const decodeDeflate: Decoder = (body) => zlibInflate(body).catch(() => rawInflate(body));

const asIs: Decoder = async (body) => body;

const DECODERS: Readonly<Record<string, Decoder>> = {
  '': asIs,
  identity: asIs,
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: decodeDeflate,
  br: promisify(brotliDecompress),
};

/** undici's interceptor for this is experimental and prints a warning. */
async function decode(body: Uint8Array, codings: string): Promise<Uint8Array> {
  // A proxy may decode a body and keep its header; an error without a body may have one, too.
  if (body.length === 0 || parseJson(utf8.decode(body)) !== undefined) return body;
  let decoded = body;
  // The header lists codings in the order in which they were applied.
  for (const coding of codings.toLowerCase().split(',').reverse()) {
    const decoder = DECODERS[coding.trim()];
    if (!decoder) throw new NoAnswer(`the reply has the unknown content coding "${coding.trim()}"`, false);
    decoded = await decoder(decoded);
  }
  return decoded;
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
  return Number.isNaN(time) ? undefined : Math.max(0, time);
}

function readRetryAfter(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (!Number.isNaN(seconds)) return asTimer(seconds * 1000);
  const date = readDate(header);
  return date === undefined ? undefined : asTimer(date - Date.now());
}

function asTimer(ms: number): number {
  return Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
}
