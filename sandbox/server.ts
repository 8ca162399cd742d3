import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerAdmin } from './admin/api.ts';
import { callFrom } from './calls.ts';
import { send } from './replies.ts';
import { serve } from './serve.ts';
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

const welcome = `Lytics and Gigya sandbox
  Lytics:  /api/..., /v2/...
  Gigya:   /accounts.<method>, /ids.<method>, /ds.<method>
  Admin:   /admin
`;

async function route(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const [path, query] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
  const body = await bodyOf(request);
  if (path === '/') {
    send(response, { httpStatus: 200, headers: { 'content-type': 'text/plain' }, body: welcome });
    return;
  }
  if (path === '/admin' || path.startsWith('/admin/')) {
    const admin = { verb: request.method ?? 'GET', path, query: new URLSearchParams(query), text: body };
    const { status, value } = answerAdmin(world, admin);
    world.flush();
    send(response, { httpStatus: status, headers: {}, body: JSON.stringify(value) });
    return;
  }
  const call = callFrom(world, { request, path, query, body });
  await serve(world, call, request.headers['accept-encoding']?.toString(), response);
}

function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (error instanceof TooLarge) {
    const headers = { connection: 'close' };
    send(response, { httpStatus: 413, headers, body: '{"sandbox":"body too large"}' });
    return;
  }
  // A bug in the sandbox, or a connection that broke while its body was read.
  if (!request.errored)
    process.stderr.write(`sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (!response.headersSent)
    send(response, { httpStatus: 500, headers: {}, body: '{"sandbox":"internal error"}' });
}

export function createSandboxServer(world: World): Server {
  const server = createServer((request, response) => {
    route(world, request, response).catch((error: unknown) => sendError(request, response, error));
  });
  // Longer than any client keeps an idle connection: only fault rules cut connections.
  server.keepAliveTimeout = 75_000;
  return server;
}
