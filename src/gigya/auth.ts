import { createHmac, createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { AuthorizationError, type GigyaAuthorization } from '../authorizations.ts';

/** Bits that RS256 asks for. */
const SHORTEST_RSA_KEY = 2048;

export interface Credentials {
  /** Form parameters that prove who calls; a new nonce or token each time, so never to be re-used. */
  params: Record<string, string>;
  headers: Record<string, string>;
}

/**
 * Proves a call in the authorization's way: the secret itself, an HMAC-SHA1 signature of the request,
 * or an RSA bearer token.
 *
 * @param url The address as it is called: `https://accounts.eu1.gigya.com/accounts.search`.
 * @param params All other form parameters.
 * @param clock The time by Gigya's clock, in ms.
 */
export type Authenticate = (
  url: string,
  params: Readonly<Record<string, string>>,
  clock: number,
) => Credentials | Promise<Credentials>;

/** @throws {AuthorizationError} when the key cannot be used. */
export function createAuthenticate(name: string, authorization: GigyaAuthorization): Authenticate {
  const { api_key: apiKey, user_key: userKey, secret_key: secret, private_key: privateKey } = authorization;
  if (privateKey !== undefined) {
    const key = readPrivateKey(name, privateKey);
    return async (_url, _params, clock) => ({
      params: { apiKey },
      headers: { authorization: `Bearer ${await signToken(key, userKey, clock)}` },
    });
  }
  if (secret === undefined) throw new AuthorizationError(`${name}.secret_key: missing`);
  if (authorization.authentication === 'secret') {
    return () => ({ params: { apiKey, userKey, secret }, headers: {} });
  }
  return (url, params, clock) => {
    const timestamp = String(Math.floor(clock / 1000));
    const signed = { ...params, apiKey, userKey, timestamp, nonce: randomUUID() };
    return { params: { ...signed, sig: signRequest(secret, url, signed) }, headers: {} };
  };
}

/** Gigya's request signature (HMAC-SHA1 over method, address and sorted parameters), in base64. */
export function signRequest(secret: string, url: string, params: Record<string, string>): string {
  const query = Object.keys(params)
    .sort()
    .map((key) => `${encode(key)}=${encode(params[key] ?? '')}`)
    .join('&');
  // URL lowers scheme and host and drops a default port, as the signature wants it.
  const base = `POST&${encode(new URL(url).href)}&${encode(query)}`;
  return createHmac('sha1', Buffer.from(secret, 'base64')).update(base).digest('base64');
}

/** RFC 3986: encodeURIComponent leaves `!'()*` as they are, the signature does not. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function signToken(key: KeyObject, userKey: string, clock: number): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: userKey })
    .setIssuedAt(Math.floor(clock / 1000))
    .setJti(randomUUID())
    .sign(key);
}

function readPrivateKey(name: string, written: string): KeyObject {
  // Environment variables often contain a PEM with `\n` instead of line breaks.
  const pem = written.replaceAll('\\n', '\n');
  try {
    // Takes PKCS#1 and PKCS#8, where jose's own importer takes PKCS#8 alone.
    const key = createPrivateKey(pem);
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    if (key.asymmetricKeyType === 'rsa' && modulusLength >= SHORTEST_RSA_KEY) return key;
  } catch {
    // The reason could quote the key.
  }
  throw new AuthorizationError(
    `${name}.private_key: not an RSA private key in PEM (PKCS#1 or PKCS#8) of ${SHORTEST_RSA_KEY} bits or more; correct it`,
  );
}
