import { type KeyObject, verify } from 'node:crypto';
import { isRecord } from './documents.ts';
import { GigyaFailure } from './envelope.ts';

/** What a bearer token says. */
export type Token = {
  kid: unknown;
  iat: number;
  jti: string;
  /** Whether it was signed with the private key of the pair. */
  isSignedWith(publicKey: KeyObject): boolean;
};

const invalidToken = (why?: string) =>
  new GigyaFailure(400001, why ? `Invalid bearer token: ${why}` : 'Invalid bearer token');

function part(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString());
    if (isRecord(value)) return value;
  } catch {
    // Falls through: not JSON and not an object are one fault.
  }
  throw invalidToken();
}

/** Header with `kid`, payload with `iat` and `jti` only, RS256. */
export function readToken(authorization: string): Token {
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
  if (!token) throw new GigyaFailure(400001, 'Invalid Authorization header');
  const [head, payload, signature, ...more] = token.split('.');
  const { alg, kid } = part(head);
  const { iat, jti, ...other } = part(payload);
  if (!signature || more.length > 0 || alg !== 'RS256') throw invalidToken();
  const others = Object.keys(other).join(', ');
  if (others) throw invalidToken(`only iat and jti, not ${others}`);
  if (typeof iat !== 'number' || !Number.isInteger(iat)) throw invalidToken('iat');
  if (typeof jti !== 'string' || jti === '') throw invalidToken('jti');
  const signed = Buffer.from(`${head}.${payload}`);
  const isSignedWith = (publicKey: KeyObject) =>
    verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'));
  return { kid, iat, jti, isSignedWith };
}
