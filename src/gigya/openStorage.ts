import type { JobConfig } from '../job.ts';
import { accountStorage } from './accounts.ts';
import type { Gigya } from './client.ts';
import { dataStoreStorage } from './dataStore.ts';
import type { GigyaStorage } from './storage.ts';

/**
 * The place that the job writes to.
 *
 * @param fields The Gigya fields of its records.
 */
export function openStorage(gigya: Gigya, config: JobConfig, fields: readonly string[]): GigyaStorage {
  const { target_storage, data_store_type, mute_webhooks } = config;
  return target_storage === 'account'
    ? accountStorage(gigya, fields, mute_webhooks)
    : dataStoreStorage(gigya, fields, data_store_type);
}
