import { createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import type { Keys } from '../keys.ts';
import type { Settings } from '../settings.ts';
import { isRecord } from './documents.ts';
import { GigyaFailure } from './envelope.ts';
import type { Parameters } from './parameters.ts';

export type Signed = {
  parameters: Parameters;
  /** The parameters under the names they came with: what a signature covers. */
  sent: Parameters;
  /** Whether the method answers without credentials. */
  anonymous: boolean;
  authorization: string | undefined;
  /** As the caller spelled it: scheme, host with any port, path. */
  url: string;
};

export type Authenticate = (request: Signed, settings: Settings['gigya'], now: number) => void;

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** `POST&url&query`, the keys in order of their code units; HMAC-SHA1 with the decoded secret. */
export function sign(url: string, parameters: Parameters, secret: string): string {
  const { protocol, host, pathname } = new URL(url); // lower-cases scheme and host, drops a default port
  const query = [...parameters]
    .filter(([name]) => name !== 'sig')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const base = `POST&${encode(`${protocol}//${host}${pathname}`)}&${encode(query)}`;
  return createHmac('sha1', Buffer.from(secret, 'base64')).update(base).digest('base64');
}

const same = (a: string, b: string) => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
};

const unknownUserKey = () => new GigyaFailure(403005, 'The supplied userkey was not found');

function part(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString());
    if (isRecord(value)) return value;
  } catch {
    // Falls through.
  }
  throw new GigyaFailure(400001, 'Invalid bearer token');
}

export function createAuthenticate(keys: Keys): Authenticate {
  const publicKey: KeyObject = createPublicKey(keys.publicKey);
  // Nonces and jtis are remembered for as long as their time would pass for fresh, then forgotten.
  let used = new Map<string, number>();
  const once = (id: string, now: number, seconds: number) => {
    const known = used.get(id);
    if (known !== undefined && known > now) throw new GigyaFailure(403004);
    used.set(id, now + 2 * seconds * 1000);
    if (used.size > 200_000) used = new Map([...used].filter(([, until]) => until > now));
  };
  const fresh = (seconds: number, now: number, { freshnessSeconds }: Settings['gigya']) => {
    if (!Number.isFinite(seconds) || Math.abs(now / 1000 - seconds) > freshnessSeconds)
      throw new GigyaFailure(403002);
  };

  const bearer = (token: string, parameters: Parameters, settings: Settings['gigya'], now: number) => {
    for (const name of ['userKey', 'secret', 'sig'])
      if (parameters.has(name)) throw new GigyaFailure(400001, `${name} does not go with a bearer token`);
    const [head, payload, signature, ...more] = token.split('.');
    const { alg, kid } = part(head);
    const { iat, jti, ...other } = part(payload);
    if (!signature || more.length > 0 || alg !== 'RS256')
      throw new GigyaFailure(400001, 'Invalid bearer token');
    if (Object.keys(other).length > 0)
      throw new GigyaFailure(
        400001,
        `Invalid bearer token: only iat and jti, not ${Object.keys(other).join(', ')}`,
      );
    if (kid !== keys.rsaUserKey || settings.keyRevoked) throw unknownUserKey();
    if (typeof iat !== 'number' || !Number.isInteger(iat))
      throw new GigyaFailure(400001, 'Invalid bearer token: iat');
    fresh(iat, now, settings);
    if (
      !verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(signature, 'base64url'))
    )
      throw new GigyaFailure(403003);
    if (typeof jti !== 'string' || jti === '') throw new GigyaFailure(400001, 'Invalid bearer token: jti');
    once(`jti ${jti}`, now, settings.freshnessSeconds);
  };

  return ({ parameters, sent, anonymous, authorization, url }, settings, now) => {
    const apiKey = parameters.get('apiKey');
    if (!apiKey) throw new GigyaFailure(400002, 'Missing required parameter: apiKey');
    if (apiKey !== keys.apiKey) throw new GigyaFailure(400093);

    if (authorization !== undefined) {
      const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
      if (!token) throw new GigyaFailure(400001, 'Invalid Authorization header');
      bearer(token, parameters, settings, now);
      return;
    }

    const [userKey, secret, sig] = [
      parameters.get('userKey'),
      parameters.get('secret'),
      parameters.get('sig'),
    ];
    if (anonymous && !userKey && !secret && !sig) return;
    if (!secret && !sig) throw new GigyaFailure(400002, 'Missing required parameter: secret or sig');
    // A partner's own secret has not been enough since 2023-01-31.
    if (!userKey)
      throw new GigyaFailure(403007, 'A partner secret is not accepted: send the userKey of an application');
    if (userKey !== keys.userKey || settings.keyRevoked) throw unknownUserKey();

    if (secret) {
      if (!same(secret, keys.secret)) throw new GigyaFailure(403010, 'Invalid parameter: secret');
      return;
    }
    const [timestamp, nonce] = [parameters.get('timestamp'), parameters.get('nonce')];
    if (!timestamp || !/^\d+$/.test(timestamp))
      throw new GigyaFailure(400002, 'Missing required parameter: timestamp');
    if (!nonce) throw new GigyaFailure(400002, 'Missing required parameter: nonce');
    fresh(Number(timestamp), now, settings);
    if (!same(sig ?? '', sign(url, sent, keys.secret))) throw new GigyaFailure(403003);
    once(`nonce ${nonce}`, now, settings.freshnessSeconds);
  };
}
