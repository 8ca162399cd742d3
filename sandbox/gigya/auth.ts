import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Keys } from '../keys.ts';
import type { Settings } from '../settings.ts';
import { readToken } from './bearer.ts';
import { GigyaFailure } from './envelope.ts';
import type { Parameters } from './parameters.ts';
import { same, sign } from './signature.ts';

export type Signed = {
  parameters: Parameters;
  /** The parameters under the names they came with: what a signature covers. */
  sent: Parameters;
  /** Whether the method answers without credentials. */
  anonymous: boolean;
  authorization: string | undefined;
  /** The URL that the caller signed: scheme, host with any port, path. */
  url: string;
};

export type Authenticate = (request: Signed, settings: Settings['gigya'], now: number) => void;

const maxRemembered = 200_000;

const unknownUserKey = () => new GigyaFailure(403005, 'The supplied userkey was not found');
const missing = (name: string) => new GigyaFailure(400002, `Missing required parameter: ${name}`);

class Authenticator {
  readonly #keys: Keys;
  readonly #publicKey: KeyObject;
  /** Nonces and jtis, kept while their timestamp still counts as fresh. */
  #used = new Map<string, number>();

  constructor(keys: Keys) {
    this.#keys = keys;
    this.#publicKey = createPublicKey(keys.publicKey);
  }

  check(request: Signed, settings: Settings['gigya'], now: number): void {
    const { parameters, authorization, anonymous } = request;
    const apiKey = parameters.get('apiKey');
    if (!apiKey) throw missing('apiKey');
    if (apiKey !== this.#keys.apiKey) throw new GigyaFailure(400093);
    if (authorization !== undefined) {
      this.#checkBearer(authorization, parameters, settings, now);
      return;
    }
    if (anonymous && !['userKey', 'secret', 'sig'].some((name) => parameters.get(name))) return;
    this.#checkApplication(request, settings, now);
  }

  #checkBearer(
    authorization: string,
    parameters: Parameters,
    settings: Settings['gigya'],
    now: number,
  ): void {
    for (const name of ['userKey', 'secret', 'sig'])
      if (parameters.has(name))
        throw new GigyaFailure(400001, `${name} cannot be combined with a bearer token`);
    const { kid, iat, jti, isSignedWith } = readToken(authorization);
    if (kid !== this.#keys.rsaUserKey || settings.keyRevoked) throw unknownUserKey();
    checkFresh(iat, settings, now);
    if (!isSignedWith(this.#publicKey)) throw new GigyaFailure(403003);
    this.#checkOnce(`jti ${jti}`, settings, now);
  }

  #checkApplication(request: Signed, settings: Settings['gigya'], now: number): void {
    const { parameters } = request;
    const [userKey, secret] = [parameters.get('userKey'), parameters.get('secret')];
    if (!secret && !parameters.get('sig')) throw missing('secret or sig');
    // A partner secret without a userKey has been refused since 2023-01-31.
    if (!userKey)
      throw new GigyaFailure(403007, 'A partner secret is not accepted: send the userKey of an application');
    if (userKey !== this.#keys.userKey || settings.keyRevoked) throw unknownUserKey();
    if (!secret) this.#checkSignature(request, settings, now);
    else if (!same(secret, this.#keys.secret)) throw new GigyaFailure(403010, 'Invalid parameter: secret');
  }

  #checkSignature({ parameters, sent, url }: Signed, settings: Settings['gigya'], now: number): void {
    const [timestamp, nonce] = [parameters.get('timestamp'), parameters.get('nonce')];
    if (!timestamp || !/^\d+$/.test(timestamp)) throw missing('timestamp');
    if (!nonce) throw missing('nonce');
    checkFresh(Number(timestamp), settings, now);
    const sig = parameters.get('sig') ?? '';
    if (!same(sig, sign(url, sent, this.#keys.secret))) throw new GigyaFailure(403003);
    this.#checkOnce(`nonce ${nonce}`, settings, now);
  }

  #checkOnce(id: string, { freshnessSeconds }: Settings['gigya'], now: number): void {
    const until = this.#used.get(id);
    if (until !== undefined && until > now) throw new GigyaFailure(403004);
    this.#used.set(id, now + 2 * freshnessSeconds * 1000);
    if (this.#used.size > maxRemembered) this.#used = new Map([...this.#used].filter(([, end]) => end > now));
  }
}

function checkFresh(seconds: number, { freshnessSeconds }: Settings['gigya'], now: number): void {
  if (!Number.isFinite(seconds) || Math.abs(now / 1000 - seconds) > freshnessSeconds)
    throw new GigyaFailure(403002);
}

export function createAuthenticate(keys: Keys): Authenticate {
  const authenticator = new Authenticator(keys);
  return (request, settings, now) => authenticator.check(request, settings, now);
}
