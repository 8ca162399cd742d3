import { randomBytes } from 'node:crypto';
import type { GigyaAuthorization, LyticsAuthorization } from '../../src/authorizations.ts';

/** A Gigya authorization for a local server, with limits that no test reaches. */
export function gigyaAuthorization(
  base_url: string,
  more: Partial<GigyaAuthorization> = {},
): GigyaAuthorization {
  return {
    provider: 'gigya',
    api_key: '3_testApiKey',
    user_key: 'AKtestUser',
    secret_key: randomBytes(32).toString('base64'),
    authentication: 'secret',
    base_url,
    limits: { calls_per_second: 10_000, searches_per_second: 10_000, connections: 20 },
    index_lag_seconds: 0,
    ...more,
  };
}

export function lyticsAuthorization(
  base_url: string,
  more: Partial<LyticsAuthorization> = {},
): LyticsAuthorization {
  return { provider: 'lytics', token: 'token-of-the-test', base_url, limits: { lanes: 'auto' }, ...more };
}
