import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Parameters } from './parameters.ts';

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** HMAC-SHA1 of `POST&url&query` with the decoded secret; keys are sorted by code unit. */
export function sign(url: string, parameters: Parameters, secret: string): string {
  const { protocol, host, pathname } = new URL(url); // lower-cases scheme and host, drops a default port
  const query = [...parameters]
    .filter(([name]) => name.toLowerCase() !== 'sig')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const base = `POST&${encode(`${protocol}//${host}${pathname}`)}&${encode(query)}`;
  return createHmac('sha1', Buffer.from(secret, 'base64')).update(base).digest('base64');
}

export function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
