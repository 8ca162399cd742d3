import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isRecord } from './gigya/documents.ts';
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

export class ForeignFile extends Error {
  override name = 'ForeignFile';
}

/** Throws unless the file is absent, empty, or holds what a sandbox wrote: anything else may be someone's secrets. */
export function refuseForeignFile(path: string): void {
  if (!existsSync(path) || isOwn(readFileSync(path, 'utf8'))) return;
  throw new ForeignFile(
    `${path} exists and no sandbox wrote it: it may hold real credentials. ` +
      'Name another file with --authorizations, or overwrite it with --force.',
  );
}

/** A sandbox's file names its four authorizations, and every authorization in it is for this machine. */
function isOwn(text: string): boolean {
  if (text.trim() === '') return true;
  const names = ['lytics', 'gigya', 'gigya-rsa', 'gigya-signature'];
  const held = parsed(text);
  if (!held) return false;
  const entries = Object.values(held);
  return entries.length === 0 || (names.every((name) => name in held) && entries.every(isLocal));
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLocal(authorization: unknown): boolean {
  return (
    isRecord(authorization) &&
    typeof authorization.base_url === 'string' &&
    /^http:\/\/127\.0\.0\.1:\d+\/?$/.test(authorization.base_url)
  );
}
