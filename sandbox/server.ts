import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { answerAdmin } from './admin.ts';
import type { FaultAction, Target } from './faults.ts';
import { answer as answerGigya, type GigyaRequest } from './gigya/api.ts';
import { GigyaFailure } from './gigya/envelope.ts';
import { kindOf } from './gigya/methods.ts';
import { answerLytics } from './lytics/api.ts';
import type { LyticsRequest } from './lytics/envelope.ts';
import { routeOf } from './lytics/routes.ts';
import type { World } from './world.ts';

const maxBody = 4 * 1024 * 1024;

class TooLarge extends Error {}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

type Reply = { httpStatus: number; headers: Record<string, string>; body: string; outcome: string };

type Call = {
  target: Target;
  /** For the peaks of the stats. */
  kind: string;
  /** Whose places are counted; undefined where they are not. */
  uid: string | undefined;
  run(underWay: number, action: FaultAction | undefined): Reply;
};

/** The URL as the caller spelled it: behind a proxy that ends TLS the scheme is in `x-forwarded-proto`. */
function signedUrl(world: World, { headers }: IncomingMessage, path: string): string {
  const { publicUrl } = world.settings().gigya;
  if (publicUrl !== null) return new URL(path, publicUrl).href;
  const forwarded = String(headers['x-forwarded-proto'] ?? '').split(',', 1)[0];
  const scheme = forwarded?.trim().toLowerCase() === 'https' ? 'https' : 'http';
  return `${scheme}://${headers.host ?? ''}${path}`;
}

function gigyaCall(world: World, incoming: IncomingMessage, path: string, query: string, body: string): Call {
  const method = path.slice(1);
  const sent = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) sent.set(name, value);
  const form = incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  if (form) for (const [name, value] of new URLSearchParams(body)) sent.set(name, value);
  const request = {
    verb: incoming.method ?? 'GET',
    method,
    sent,
    authorization: incoming.headers.authorization,
    url: signedUrl(world, incoming, path),
  };
  const uid = [...sent].find(([name]) => name.toLowerCase() === 'uid')?.[1];
  return {
    target: { provider: 'gigya', method, path, uid },
    kind: `gigya ${kindOf(method)}`,
    // The limit is told of accounts; the Data Store has none in the documents.
    uid: /^(accounts|ids)\./.test(method) ? uid : undefined,
    run: (underWay, action) => {
      const full: GigyaRequest = { ...request, underWay };
      if (action?.kind !== 'gigya_error') return withCode(answerGigya(world, full));
      const failure = new GigyaFailure(
        action.code,
        action.details ?? action.message,
        action.extra,
        action.message,
      );
      return withCode(answerGigya(world, full, { failure, applied: action.applied }));
    },
  };
}

const withCode = ({ errorCode, ...reply }: ReturnType<typeof answerGigya>): Reply => ({
  ...reply,
  outcome: String(errorCode),
});

function lyticsCall(
  world: World,
  incoming: IncomingMessage,
  path: string,
  query: string,
  body: string,
): Call {
  const request: LyticsRequest = {
    verb: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    authorization: incoming.headers.authorization,
    contentType: incoming.headers['content-type'],
    body,
  };
  const { name, parts } = routeOf(request.verb, path);
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
      const reply = answerLytics(world, request, action);
      return { ...reply, outcome: String(reply.httpStatus) };
    },
  };
}

/** What the rules make of a request: how long it waits, and the one thing that ends it, if any. */
function meet(
  world: World,
  target: Target,
): { waitMs: number; action: FaultAction | undefined; rule: string | undefined } {
  let waitMs = world.settings().latencyMs;
  let ending: { action: FaultAction; rule: string } | undefined;
  for (const { rule, fires } of world.faults.decide(target)) {
    world.commit({ type: 'fault', rule: rule.id, fired: fires });
    if (!fires) continue;
    const { action } = rule;
    if (action.kind === 'latency') waitMs += action.ms;
    else if (action.kind === 'settings') world.commit({ type: 'settings', patch: action.settings });
    else ending = { action, rule: rule.id };
  }
  return { waitMs, action: ending?.action, rule: ending?.rule };
}

function send(
  response: ServerResponse,
  { httpStatus, headers, body }: Pick<Reply, 'httpStatus' | 'headers' | 'body'>,
): void {
  if (response.destroyed) return;
  response.writeHead(httpStatus, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

const html = (status: number) =>
  `<html>\r\n<head><title>${status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n`;

/** A body that begins and does not end. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.write('{"callId":');
  const timer = setInterval(() => response.write(' '), 250);
  response.on('close', () => clearInterval(timer));
}

async function serve(world: World, call: Call, response: ServerResponse): Promise<void> {
  const place = call.uid === undefined ? undefined : world.places.take(call.uid);
  const leave = world.stats.arrive(call.target.provider, call.kind);
  response.on('close', () => {
    leave();
    place?.release();
  });

  const { waitMs, action, rule } = meet(world, call.target);
  // Even without latency every request that has already arrived counts as under way before the first is answered.
  if (waitMs > 0) await setTimeout(waitMs);
  else await setImmediate();

  const underWay = place?.taken ?? 1;
  const counted = (outcome: string) => world.commit({ type: 'counted', method: call.target.method, outcome });

  switch (action?.kind) {
    case 'html':
    case 'cut':
    case 'silence':
    case 'drip':
      if (action.applied) call.run(underWay, undefined);
      counted(rule ?? action.kind);
      if (action.kind === 'html')
        send(response, {
          httpStatus: action.status,
          headers: { 'content-type': 'text/html' },
          body: html(action.status),
        });
      else if (action.kind === 'cut') response.socket?.destroy();
      else if (action.kind === 'drip') drip(response);
      return;
    case 'redirect':
      counted(rule ?? action.kind);
      return send(response, { httpStatus: 302, headers: { location: action.location }, body: '' });
    default: {
      const reply = call.run(underWay, action);
      counted(reply.outcome);
      return send(response, reply);
    }
  }
}

const welcome = `Lytics and Gigya sandbox
  Lytics:  /api/..., /v2/...
  Gigya:   /accounts.<method>, /ds.<method>
  Admin:   /admin
`;

async function route(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const [path, query] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
  const body = await bodyOf(request);
  if (path === '/')
    return send(response, { httpStatus: 200, headers: { 'content-type': 'text/plain' }, body: welcome });
  if (path === '/admin' || path.startsWith('/admin/')) {
    const { status, value } = answerAdmin(
      world,
      request.method ?? 'GET',
      path,
      new URLSearchParams(query),
      body,
    );
    world.flush();
    return send(response, { httpStatus: status, headers: {}, body: JSON.stringify(value) });
  }
  const lytics = path.startsWith('/api/') || path.startsWith('/v2/');
  const call = (lytics ? lyticsCall : gigyaCall)(world, request, path, query, body);
  await serve(world, call, response);
}

export function createSandboxServer(world: World): Server {
  const server = createServer((request, response) => {
    route(world, request, response).catch((error: unknown) => {
      if (error instanceof TooLarge) {
        send(response, {
          httpStatus: 413,
          headers: { connection: 'close' },
          body: '{"sandbox":"body too large"}',
        });
        return;
      }
      // A fault of the sandbox's own, or a connection that broke while its body came in.
      if (!request.errored)
        process.stderr.write(`sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent)
        send(response, { httpStatus: 500, headers: {}, body: '{"sandbox":"internal error"}' });
    });
  });
  // Longer than any client keeps an idle connection: what cuts one here is a fault rule.
  server.keepAliveTimeout = 75_000;
  return server;
}
