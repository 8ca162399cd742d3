import type { IncomingMessage } from 'node:http';
import type { FaultAction, Target } from './faults.ts';
import { answer as answerGigya } from './gigya/api.ts';
import { GigyaFailure } from './gigya/envelope.ts';
import { kindOf } from './gigya/methods.ts';
import { answerLytics } from './lytics/api.ts';
import type { LyticsRequest } from './lytics/envelope.ts';
import { routeOf } from './lytics/routes.ts';
import type { Reply } from './replies.ts';
import type { World } from './world.ts';

/** A request to one of the providers that has been read. */
export type Call = {
  target: Target;
  /** For the peaks of the stats. */
  kind: string;
  /** Whose places are counted; undefined where they are not. */
  uid: string | undefined;
  run(underWay: number, action: FaultAction | undefined): Reply & { outcome: string };
};

export type Incoming = { request: IncomingMessage; path: string; query: string; body: string };

export function callFrom(world: World, incoming: Incoming): Call {
  const isLytics = incoming.path.startsWith('/api/') || incoming.path.startsWith('/v2/');
  return isLytics ? lyticsCall(world, incoming) : gigyaCall(world, incoming);
}

/** The URL as the caller spelled it: behind a proxy that ends TLS the scheme is in `x-forwarded-proto`. */
function signedUrl(world: World, { headers }: IncomingMessage, path: string): string {
  const { publicUrl } = world.settings().gigya;
  if (publicUrl !== null) return new URL(path, publicUrl).href;
  const forwarded = String(headers['x-forwarded-proto'] ?? '').split(',', 1)[0];
  const scheme = forwarded?.trim().toLowerCase() === 'https' ? 'https' : 'http';
  return `${scheme}://${headers.host ?? ''}${path}`;
}

/** Parameters of the query, and over them those of a form. */
function sentWith({ request, query, body }: Incoming): Map<string, string> {
  const sent = new Map<string, string>(new URLSearchParams(query));
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  if (isForm) for (const [name, value] of new URLSearchParams(body)) sent.set(name, value);
  return sent;
}

function gigyaCall(world: World, incoming: Incoming): Call {
  const { request, path } = incoming;
  const method = path.slice(1);
  const sent = sentWith(incoming);
  const uid = [...sent].find(([name]) => name.toLowerCase() === 'uid')?.[1];
  const read = {
    verb: request.method ?? 'GET',
    method,
    sent,
    authorization: request.headers.authorization,
    url: signedUrl(world, request, path),
  };
  return {
    target: { provider: 'gigya', method, path, uid },
    kind: `gigya ${kindOf(method)}`,
    // The limit is documented for accounts; nothing is said of the Data Store.
    uid: /^(accounts|ids)\./.test(method) ? uid : undefined,
    run: (underWay, action) => {
      const { errorCode, ...reply } = answerGigya(world, { ...read, underWay }, failureOf(action));
      return { ...reply, outcome: String(errorCode) };
    },
  };
}

function failureOf(action: FaultAction | undefined): Parameters<typeof answerGigya>[2] {
  if (action?.kind !== 'gigya_error') return undefined;
  const { code, message, details = message, extra, applied } = action;
  return { failure: new GigyaFailure(code, details, extra, message), applied };
}

function lyticsCall(world: World, { request, path, query, body }: Incoming): Call {
  const read: LyticsRequest = {
    verb: request.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    authorization: request.headers.authorization,
    contentType: request.headers['content-type'],
    body,
  };
  const { name, parts } = routeOf(read.verb, path);
  return {
    target: {
      provider: 'lytics',
      method: name,
      path: query ? `${path}?${query}` : path,
      uid: name === 'entity' ? parts[1] : undefined,
    },
    kind: 'lytics call',
    uid: undefined,
    run: (_, action) => {
      const reply = answerLytics(world, read, action);
      return { ...reply, outcome: String(reply.httpStatus) };
    },
  };
}
