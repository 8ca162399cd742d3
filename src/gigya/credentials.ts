import { z } from 'zod';
import type { CallOptions, Gigya } from './client.ts';

/**
 * Proves the credentials by a call that touches no user. A write's 403005 can mean an unknown UID as
 * well as an unknown user key; after this it can only be the UID. @throws {GigyaError}
 */
export async function proveCredentials(gigya: Gigya, options?: CallOptions): Promise<void> {
  await gigya.call('accounts.getSchema', {}, z.unknown(), options);
}
