import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import { z } from 'zod';
import type { LyticsAuthorization } from '../authorizations.ts';
import { type HttpReply, type HttpRequest, NoAnswer, openHttp } from '../http.ts';
import { LyticsError } from './errors.ts';

/** Lytics gives at most this many rows a page, whatever is asked for. */
export const SCAN_PAGE = 100;

export interface LyticsObserver {
  onCall?(call: string, status: number | 'no_answer', ms: number): void;
  /** Lytics asked to slow down (429): the call waits this long, as often as it takes. */
  onWait?(ms: number): void;
}

export interface LyticsCallOptions {
  /** Gives up the call, also while it waits. */
  signal?: AbortSignal | undefined;
  /** Told in words that the call waits because Lytics asked to, or will be sent again and why. */
  onTrouble?: ((trouble: string, lastsMs?: number) => void) | undefined;
}

export interface LyticsOptions {
  observer?: LyticsObserver;
  /** The time an answer may take, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
  /** The first wait before a call is sent again, in ms; it doubles, with jitter. @default 1000 */
  retryMs?: number | undefined;
}

const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const truth = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

const audienceSchema = z.looseObject({
  id: z.string(),
  slug_name: z.string(),
  name: z.string().optional(),
  is_public: truth.nullish().transform((value) => value ?? true),
  size: numeric.nullish().transform((value) => value ?? undefined),
});

/** An audience ("segment") as Lytics lists it. */
export type Audience = z.output<typeof audienceSchema>;

/** One user in an audience: a flat profile. */
export type Row = Record<string, unknown>;

/** Taken as it is, and not copied field by field: rows are most of what Lytics sends. */
const rowSchema = z.custom<Row>((row) => typeof row === 'object' && row !== null && !Array.isArray(row));

const profileSchema = z.looseObject({
  segments: z.array(z.string()).nullish(),
  segments_all: z.array(z.string()).nullish(),
});

export interface ScanPage {
  rows: Row[];
  /** What to send as `start` next; empty at the end. */
  next: string;
  /** How many users Lytics says the audience has. */
  total: number | undefined;
  /** A request was sent again, so that a page may have been lost when the cursor is a scroll position. */
  retried: boolean;
}

/** One Lytics authorization and its connections. */
export interface Lytics {
  /** The authorization's name, for messages. */
  readonly name: string;
  audiences(options?: LyticsCallOptions): Promise<Audience[]>;
  /** @param idOrSlug @throws {LyticsError} of kind `not_found` when there is none. */
  audience(idOrSlug: string, options?: LyticsCallOptions): Promise<Audience>;
  /** The next page of an audience's users, from the beginning when `start` is empty. */
  scan(audienceId: string, start: string, options?: LyticsCallOptions): Promise<ScanPage>;
  /** A user's audiences, looked up by a field that identifies them; undefined when Lytics knows no such user. */
  profile(field: string, value: string, options?: LyticsCallOptions): Promise<Row | undefined>;
  close(): Promise<void>;
}

const LOOK_UP = 'look up user';
const CONNECTIONS = 10;
const RETRIES = 3;
const LONGEST_WAIT_MS = 60_000;

const envelope = z.looseObject({
  status: numeric.optional(),
  message: z.string().nullish(),
  errors: z.array(z.looseObject({ message: z.string().optional() })).nullish(),
});

export function openLytics(
  name: string,
  authorization: LyticsAuthorization,
  options: LyticsOptions = {},
): Lytics {
  const { observer = {}, timeoutMs, retryMs = 1000 } = options;
  const http = openHttp(authorization.base_url, { connections: CONNECTIONS, timeoutMs });
  const slots = pLimit(CONNECTIONS);

  async function exchange(call: string, request: HttpRequest): Promise<HttpReply> {
    const sentAt = performance.now();
    try {
      const headers = { authorization: authorization.token, accept: 'application/json', ...request.headers };
      const answer = await slots(() => http.send({ ...request, headers }));
      observer.onCall?.(call, answer.status, performance.now() - sentAt);
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      observer.onCall?.(call, 'no_answer', performance.now() - sentAt);
      throw new LyticsError(`${call}: no answer from Lytics (${error.message})`, 'transient');
    }
  }

  /** Sends until Lytics answers for good: a 429 is waited out, it is no failure. */
  async function converse(call: string, request: HttpRequest, options: LyticsCallOptions): Promise<unknown> {
    for (let waits = 0; ; waits++) {
      const answer = await exchange(call, request);
      const status = statusOf(answer);
      if (status !== 429) {
        const isAnswer = status >= 200 && status < 300 && answer.json !== undefined;
        if (!isAnswer) throw describeRefusal(call, answer, status);
        // HTTP 200 all the same, with data that stands for nothing.
        if (/^timed out$/i.test(messageOf(answer))) {
          throw new LyticsError(`${call}: Lytics answered "Timed out"`, 'transient');
        }
        return answer.json;
      }
      const backOff = Math.min(LONGEST_WAIT_MS, retryMs * 2 ** Math.min(waits, 16) * (1 + Math.random()));
      // A time that is over already, by our clock, would have us ask on and on.
      const wait = answer.retryAfter || backOff;
      observer.onWait?.(wait);
      options.onTrouble?.(`Lytics asked to slow down (429); waiting ${Math.round(wait / 1000)} s`, wait);
      await sleep(wait, undefined, request.signal ? { signal: request.signal } : {});
    }
  }

  function describeRefusal(call: string, answer: HttpReply, status: number): LyticsError {
    if (answer.location !== undefined) {
      const message = `${call}: redirected (HTTP ${status}), which is not followed with credentials; correct ${name}.base_url`;
      return new LyticsError(message, 'configuration', status);
    }
    const message = messageOf(answer).replaceAll(authorization.token, '…').slice(0, 200);
    // What is said about one user may quote them.
    const said = call === LOOK_UP ? '' : ` "${message}"`;
    const what = `${call}: Lytics answered ${status}${answer.json === undefined ? ' and no JSON' : said}`;
    switch (status) {
      case 401:
        return new LyticsError(
          `${what}: the token is wrong or has expired; correct ${name}.token`,
          'configuration',
          401,
        );
      case 403:
        return new LyticsError(
          `${what}: give the token of ${name} the permission for this`,
          'configuration',
          403,
        );
      case 404:
        return new LyticsError(what, 'not_found', 404);
      default:
        return new LyticsError(
          what,
          status >= 400 && status < 500 && answer.json !== undefined ? 'refused' : 'transient',
          status,
        );
    }
  }

  async function get<T extends z.ZodType>(
    call: string,
    path: string,
    reply: T,
    options: LyticsCallOptions = {},
  ) {
    let retried = false;
    const attempt = async () => {
      const answered = await converse(call, { method: 'GET', path, signal: options.signal }, options);
      const read = reply.safeParse(answered);
      if (read.success) return read.data;
      const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
      throw new LyticsError(
        `${call}: the reply is not as documented (${where || 'no object'})`,
        'configuration',
      );
    };
    const answer = await pRetry(attempt, {
      retries: RETRIES,
      minTimeout: retryMs,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof LyticsError && error.kind === 'transient',
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (!(error instanceof LyticsError) || error.kind !== 'transient') return;
        retried = true;
        if (retriesLeft > 0) options.onTrouble?.(error.message);
      },
      ...(options.signal && { signal: options.signal }),
    });
    return { answer, retried };
  }

  return {
    name,

    async audiences(options) {
      const reply = z.looseObject({ data: z.array(audienceSchema) });
      const { answer } = await get('list audiences', '/v2/segment?table=user&kind=all', reply, options);
      return answer.data;
    },

    async audience(idOrSlug, options) {
      const path = `/v2/segment/${encodeURIComponent(idOrSlug)}?sizes=true`;
      const { answer } = await get('read audience', path, z.looseObject({ data: audienceSchema }), options);
      return answer.data;
    },

    async scan(audienceId, start, options) {
      const query = new URLSearchParams({ table: 'user', limit: String(SCAN_PAGE) });
      if (start !== '') query.set('start', start);
      // Neither `fields` nor `segments`: the one may drop the audiences from the rows, the other
      // would define an audience of its own.
      const path = `/api/segment/${encodeURIComponent(audienceId)}/scan?${query}`;
      const reply = z.looseObject({
        data: z.array(rowSchema).nullish(),
        _next: z.union([z.string(), z.number().transform(String)]).nullish(),
        total: numeric.nullish(),
      });
      const { answer, retried } = await get('scan audience', path, reply, options);
      return {
        rows: answer.data ?? [],
        next: answer._next ?? '',
        total: answer.total ?? undefined,
        retried,
      };
    },

    async profile(field, value, options) {
      const path = `/api/entity/user/${encodeURIComponent(field)}/${encodeURIComponent(value)}?segments=true&allsegments=true`;
      const reply = z.looseObject({ message: z.string().nullish(), data: profileSchema.nullish() });
      const { answer } = await get(LOOK_UP, path, reply, options).catch((error: unknown) => {
        if (error instanceof LyticsError && error.kind === 'not_found') return { answer: undefined };
        throw error;
      });
      if (answer?.data == null || /not found/i.test(answer.message ?? '')) return undefined;
      // An unknown user comes with HTTP 200 and two audiences that are none: ["not_found", "all"].
      return answer.data.segments?.includes('not_found') ? undefined : answer.data;
    },

    close: () => http.close(),
  };
}

/** The worse of HTTP's status and the reply's own, which can arrive as a string and beside an HTTP 200. */
function statusOf(answer: HttpReply): number {
  const read = envelope.safeParse(answer.json);
  return Math.max(answer.status, (read.success && read.data.status) || 0);
}

function messageOf(answer: HttpReply): string {
  const read = envelope.safeParse(answer.json);
  return (read.success && (read.data.message ?? read.data.errors?.[0]?.message)) || 'no message';
}
