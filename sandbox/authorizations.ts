import { chmodSync, writeFileSync } from 'node:fs';
import type { Keys } from './keys.ts';

export type Limits = { calls_per_second?: number | undefined; searches_per_second?: number | undefined };

/** Named credentials for this sandbox: Lytics, and Gigya once for each way to authenticate. */
export function authorizationsFor(
  baseUrl: string,
  keys: Keys,
  indexLagMs: number,
  limits: Limits | undefined,
) {
  const gigya = {
    provider: 'gigya',
    api_key: keys.apiKey,
    datacenter: 'us1.gigya.com',
    base_url: baseUrl,
    ...(limits && { limits }),
    // One second more than the lag there is.
    index_lag_seconds: Math.ceil(indexLagMs / 1000) + 1,
  };
  return {
    lytics: { provider: 'lytics', token: keys.lyticsToken, base_url: baseUrl },
    gigya: { ...gigya, user_key: keys.userKey, secret_key: keys.secret },
    'gigya-rsa': { ...gigya, user_key: keys.rsaUserKey, private_key: keys.privateKey },
    'gigya-signature': {
      ...gigya,
      user_key: keys.userKey,
      secret_key: keys.secret,
      authentication: 'signature',
    },
  };
}

export type Authorizations = ReturnType<typeof authorizationsFor>;

export function writeAuthorizations(path: string, authorizations: Authorizations): void {
  writeFileSync(path, `${JSON.stringify(authorizations, null, 2)}\n`, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(path, 0o600);
}
