import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as the server received it. */
export interface Asked {
  method: string;
  /** Path and query, as received. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The time of arrival, in ms of `performance.now`. */
  at: number;
}

export interface LocalServer {
  url: string;
  port: number;
  asked: Asked[];
  close(): Promise<void>;
}

/**
 * Certificates for `localhost`, with one key, signed by a CA that nobody trusts: one is valid until 2120, one
 * expired in 2021.
 */
export type Certificate = 'untrusted' | 'expired';

/** A real HTTP server on a loopback port that gives the test's answers and records the requests. */
export async function serve(
  answer: (asked: Asked, response: ServerResponse) => void,
  certificate?: Certificate,
): Promise<LocalServer> {
  const asked: Asked[] = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: Buffer.concat(chunks).toString(), at: performance.now() };
    asked.push(one);
    answer(one, response);
  };
  const server = certificate
    ? createTlsServer({ key: await readPem('key'), cert: await readPem(certificate) }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  return {
    url: certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readPem(name: 'key' | Certificate): Promise<string> {
  return readFile(new URL(`certificates/${name}.pem`, import.meta.url), 'utf8');
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A port without a listener. */
export async function closedPort(): Promise<number> {
  const { port, close } = await serve(() => {});
  await close();
  return port;
}

export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a port');
  return address.port;
}
