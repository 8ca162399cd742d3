import { z } from 'zod';
import type { CallOptions, Gigya } from './client.ts';

/**
 * Tests the credentials and the permission with one search. getSchema tests neither: it can succeed without
 * credentials. After this, 403005 on a write can only mean an unknown UID. @throws {GigyaError}
 */
export async function proveCredentials(gigya: Gigya, options?: CallOptions): Promise<void> {
  await gigya.call('accounts.search', { query: 'SELECT UID FROM accounts LIMIT 1' }, z.unknown(), options);
}
