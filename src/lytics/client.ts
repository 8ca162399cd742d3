import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import type { z } from 'zod';
import type { LyticsAuthorization } from '../authorizations.ts';
import { type HttpReply, type HttpRequest, NoAnswer, openHttp } from '../http.ts';
import type { CallMonitor } from '../monitor.ts';
import { LONGEST_LYTICS_WAIT_MS, LYTICS_CONNECTIONS, MOST_LANES, RETRIES, SCAN_PAGE } from '../tuning.ts';
import { LyticsError, misconfigured, refusal, unanswered, unreachable } from './errors.ts';
import {
  type Audience,
  audienceReply,
  audienceSchema,
  audiencesReply,
  envelope,
  jobReply,
  jobSchema,
  jobsReply,
  type LyticsJob,
  profileReply,
  type Row,
  scanReply,
} from './schemas.ts';

export type { Audience, LyticsJob, Row } from './schemas.ts';

/** Receives what happens to calls, for metrics. */
export interface LyticsObserver {
  onCall?(call: string, status: number | 'no_answer', ms: number): void;
  /** Lytics asked to slow down (429): the call waits this long. */
  onWait?(ms: number): void;
}

export interface LyticsCallOptions {
  /** Aborts the call, also while it waits. */
  signal?: AbortSignal | undefined;
  monitor?: CallMonitor | undefined;
}

export interface ScanOptions extends LyticsCallOptions {
  /** The hundredths of the users to scan, from 0; all when absent. */
  hundredths?: readonly number[] | undefined;
}

export interface LyticsOptions {
  observer?: LyticsObserver;
  /** How long an answer may take, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
  /** The wait before the first retry, in ms; it doubles, with jitter. @default 1000 */
  retryMs?: number | undefined;
}

export interface ScanPage {
  rows: Row[];
  /** What to send as `start` next; empty at the end. */
  next: string;
  /** Users in the audience, as Lytics reports it. */
  total: number | undefined;
  /** A request was sent twice, so rows may have been lost if the cursor is a scroll position. */
  retried: boolean;
  /** Lytics asked to slow down (429). */
  slowed: boolean;
}

/** One Lytics authorization and its connections. */
export interface Lytics {
  /** The authorization's name, for messages. */
  readonly name: string;
  /** A scan may run in this many lanes. */
  readonly lanes: number;
  audiences(options?: LyticsCallOptions): Promise<Audience[]>;
  /** @throws {LyticsError} `isRefused` when there is no such audience. */
  audience(idOrSlug: string, options?: LyticsCallOptions): Promise<Audience>;
  /** The next Lytics page of an audience, from the beginning when `start` is empty. */
  scan(audienceId: string, start: string, options?: ScanOptions): Promise<ScanPage>;
  /**
   * The next Lytics page of the users that a FilterQL statement matches.
   *
   * @throws {LyticsError} `isRefused` where the site does not allow ad-hoc scans.
   */
  find(statement: string, start: string, options?: LyticsCallOptions): Promise<ScanPage>;
  /** The profile of a user, by a field that identifies users; undefined when Lytics knows no such user. */
  profile(field: string, value: string, options?: LyticsCallOptions): Promise<Row | undefined>;
  /** The account's jobs of the workflow `gigya-export`, with those that ran once and are done. */
  exportJobs(options?: LyticsCallOptions): Promise<LyticsJob[]>;
  /**
   * One of them with all its keys.
   *
   * @throws {LyticsError} `isRefused` when there is no such job.
   */
  exportJob(id: string, options?: LyticsCallOptions): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

const EXPORT = 'gigya-export';
const LOOK_UP = 'look up user';
const FIND = 'find users';
/** Messages about these calls may quote user data. */
const PRIVATE: readonly string[] = [LOOK_UP, FIND];
const TOO_MANY = 429;
const FORBIDDEN = 403;

export function openLytics(
  name: string,
  authorization: LyticsAuthorization,
  options: LyticsOptions = {},
): Lytics {
  const { observer = {}, timeoutMs, retryMs = 1000 } = options;
  const http = openHttp(authorization.base_url, { connections: LYTICS_CONNECTIONS, timeoutMs });
  const slots = pLimit(LYTICS_CONNECTIONS);

  async function exchange(
    call: string,
    request: HttpRequest,
    monitor: CallMonitor | undefined,
  ): Promise<HttpReply> {
    const sentAt = performance.now();
    const answered = monitor?.sent('Lytics');
    try {
      const headers = { authorization: authorization.token, accept: 'application/json', ...request.headers };
      const answer = await http.send({ ...request, headers });
      answered?.(true);
      observer.onCall?.(call, answer.status, performance.now() - sentAt);
      return answer;
    } catch (error) {
      answered?.(false);
      if (!(error instanceof NoAnswer)) throw error;
      observer.onCall?.(call, 'no_answer', performance.now() - sentAt);
      if (error.passes) throw unanswered(`${call}: no answer from Lytics (${error.message})`);
      throw unreachable(
        `${call}: no answer from Lytics (${error.message}); check ${name}.base_url and any proxy`,
      );
    }
  }

  /** Sends until Lytics gives a final answer: a 429 is retried after a wait, it is not a failure. */
  async function converse(
    call: string,
    request: HttpRequest,
    monitor: CallMonitor | undefined,
    onWait: () => void,
  ): Promise<unknown> {
    for (let waits = 0; ; waits++) {
      const answer = await slots(() => exchange(call, request, monitor));
      const status = statusOf(answer);
      if (status !== TOO_MANY) return readAnswer(call, answer, status);
      const backOff = Math.min(
        LONGEST_LYTICS_WAIT_MS,
        retryMs * 2 ** Math.min(waits, 16) * (1 + Math.random()),
      );
      // A Retry-After that is in the past by our clock would mean no pause.
      const wait = answer.retryAfter || backOff;
      observer.onWait?.(wait);
      onWait();
      monitor?.trouble(`Lytics asked to slow down (429); waiting ${Math.round(wait / 1000)} s`, wait);
      await sleep(wait, undefined, request.signal ? { signal: request.signal } : {});
    }
  }

  function readAnswer(call: string, answer: HttpReply, status: number): unknown {
    const isAnswer = status >= 200 && status < 300 && answer.json !== undefined;
    if (!isAnswer) throw describeRefusal(call, answer, status);
    // The HTTP status is still 200, with meaningless data.
    if (/^timed out$/i.test(messageOf(answer))) throw unanswered(`${call}: Lytics answered "Timed out"`);
    return answer.json;
  }

  function describeRefusal(call: string, answer: HttpReply, status: number): LyticsError {
    if (answer.location !== undefined) {
      return misconfigured(
        `${call}: redirected (HTTP ${status}), and redirects are not followed with credentials; correct ${name}.base_url`,
      );
    }
    const isJson = answer.json !== undefined;
    const message = messageOf(answer).replaceAll(authorization.token, '…').slice(0, 200);
    const said = PRIVATE.includes(call) ? '' : ` "${message}"`;
    const what = `${call}: Lytics answered ${status}${isJson ? said : ' and no JSON'}`;
    // Ad-hoc scans need a separate permission; profile look-ups are the alternative.
    if (call === FIND && status === FORBIDDEN) {
      return new LyticsError(what, { retry: 'never', scope: 'record', reason: 'refused' });
    }
    return refusal(what, status, isJson, name);
  }

  async function ask<T extends z.ZodType>(
    call: string,
    request: Omit<HttpRequest, 'signal'>,
    shape: T,
    { signal, monitor }: LyticsCallOptions = {},
  ) {
    let retried = false;
    let slowed = false;
    const onWait = () => {
      slowed = true;
    };
    const attempt = async () => {
      const read = shape.safeParse(await converse(call, { ...request, signal }, monitor, onWait));
      if (read.success) {
        monitor?.succeeded();
        return read.data;
      }
      const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
      throw misconfigured(
        `${call}: the reply does not have the documented shape (${where || 'not an object'}); check ${name}.base_url`,
      );
    };
    const isRetried = (error: unknown) => error instanceof LyticsError && error.retry === 'now';
    const answer = await pRetry(attempt, {
      retries: RETRIES,
      minTimeout: retryMs,
      randomize: true,
      shouldRetry: ({ error }) => isRetried(error),
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (!isRetried(error)) return;
        retried = true;
        if (retriesLeft > 0) monitor?.trouble(error.message);
      },
      ...(signal && { signal }),
    });
    return { answer, retried, slowed };
  }

  const get = <T extends z.ZodType>(call: string, path: string, shape: T, options?: LyticsCallOptions) =>
    ask(call, { method: 'GET', path }, shape, options);

  return {
    name,
    lanes: authorization.limits.lanes === 'auto' ? MOST_LANES : authorization.limits.lanes,

    async audiences(options) {
      const path = '/v2/segment?table=user&kind=all';
      const { answer } = await get('list audiences', path, audiencesReply, options);
      // One invalid entry must not hide the others.
      return answer.data.flatMap((entry) => audienceSchema.safeParse(entry).data ?? []);
    },

    async audience(idOrSlug, options) {
      const path = `/v2/segment/${encodeURIComponent(idOrSlug)}?sizes=true`;
      return (await get('read audience', path, audienceReply, options)).answer.data;
    },

    async scan(audienceId, start, { hundredths, ...options } = {}) {
      const query = new URLSearchParams({ table: 'user', limit: String(SCAN_PAGE) });
      if (start !== '') query.set('start', start);
      // With each request: whether a cursor holds them is not documented.
      if (hundredths) query.set('splits', hundredths.join(','));
      // Neither `fields` nor `segments`: the one may drop the audiences from the rows, the other would
      // define an audience of its own.
      const path = `/api/segment/${encodeURIComponent(audienceId)}/scan?${query}`;
      return scanPageOf(await get('scan audience', path, scanReply, options));
    },

    async find(statement, start, options) {
      const query = new URLSearchParams({ table: 'user', limit: String(SCAN_PAGE) });
      if (start !== '') query.set('start', start);
      const request = {
        method: 'POST',
        path: `/api/segment/scan?${query}`,
        headers: { 'content-type': 'text/plain' },
        body: statement,
      } as const;
      return scanPageOf(await ask(FIND, request, scanReply, options));
    },

    async profile(field, value, options) {
      const path = `/api/entity/user/${encodeURIComponent(field)}/${encodeURIComponent(value)}?segments=true&allsegments=true`;
      const { answer } = await get(LOOK_UP, path, profileReply, options).catch((error: unknown) => {
        if (error instanceof LyticsError && error.reason === 'not_found') return { answer: undefined };
        throw error;
      });
      if (answer?.data == null || /not found/i.test(answer.message ?? '')) return undefined;
      // An unknown user can come with HTTP 200 and two audiences that do not exist: ["not_found", "all"].
      const { segments } = answer.data;
      return Array.isArray(segments) && segments.includes('not_found') ? undefined : answer.data;
    },

    async exportJobs(options) {
      // A GET of /v2/job/gigya-export would be read as a job with that id.
      const path = `/v2/job?workflow=${EXPORT}&show_completed=true`;
      const { answer } = await get('list jobs', path, jobsReply, options);
      return (answer.data ?? [])
        .flatMap((entry) => jobSchema.safeParse(entry).data ?? [])
        .filter(({ workflow }) => (workflow || EXPORT) === EXPORT);
    },

    async exportJob(id, options) {
      const path = `/v2/job/${EXPORT}/${encodeURIComponent(id)}`;
      return (await get('read job', path, jobReply, options)).answer.data;
    },

    close: () => http.close(),
  };
}

interface ScanAnswer {
  answer: z.output<typeof scanReply>;
  retried: boolean;
  slowed: boolean;
}

function scanPageOf({ answer, retried, slowed }: ScanAnswer): ScanPage {
  return { rows: answer.data ?? [], next: answer._next ?? '', total: answer.total, retried, slowed };
}

/** The worse of HTTP's status and the reply's own. */
function statusOf(answer: HttpReply): number {
  return Math.max(answer.status, envelope.safeParse(answer.json).data?.status ?? 0);
}

function messageOf(answer: HttpReply): string {
  const read = envelope.safeParse(answer.json).data;
  return read?.message ?? read?.errors?.[0]?.message ?? 'no message';
}
