import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Settings } from './settings.ts';

export type Reply = { httpStatus: number; headers: Record<string, string>; body: string | Buffer };

const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

/** Whether an Accept-Encoding header (RFC 9110, 12.5.3) permits the coding. */
function accepts(header: string, coding: string): boolean {
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((one) => one.trim().toLowerCase());
    const weight = parameters.find((one) => one.startsWith('q='))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight));
  }
  return (weights.get(coding) ?? weights.get('*') ?? 0) > 0;
}

/** A reply in the coding of the settings where the request permits it; without Accept-Encoding it permits any. */
export function compressed(reply: Reply, acceptEncoding: string | undefined, settings: Settings): Reply {
  const { compress, compressUnasked } = settings;
  if (compress === 'none') return reply;
  const permitted = acceptEncoding === undefined ? compressUnasked : accepts(acceptEncoding, compress);
  if (!permitted) return reply;
  const headers = { ...reply.headers, 'content-encoding': compress, vary: 'accept-encoding' };
  return { ...reply, headers, body: encoders[compress](reply.body) };
}

export function send(response: ServerResponse, { httpStatus, headers, body }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(httpStatus, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** What a proxy in front of the service sends. */
export function sendHtml(response: ServerResponse, status: number): void {
  const title = `${status} Bad Gateway`;
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  send(response, { httpStatus: status, headers: { 'content-type': 'text/html' }, body });
}

/** A body that never ends. */
export function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.write('{"callId":');
  const timer = setInterval(() => response.write(' '), 250);
  response.on('close', () => clearInterval(timer));
}
