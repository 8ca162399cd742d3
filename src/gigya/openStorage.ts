import type { JobConfig } from '../job.ts';
import { accountStorage } from './accounts.ts';
import type { Gigya } from './client.ts';
import { dataStoreStorage } from './dataStore.ts';
import type { GigyaStorage } from './storage.ts';

/** The place that the job writes to. */
export function openStorage(gigya: Gigya, config: JobConfig): GigyaStorage {
  const { target_storage, gigya_field, data_store_type } = config;
  return target_storage === 'account'
    ? accountStorage(gigya, gigya_field)
    : dataStoreStorage(gigya, gigya_field, data_store_type);
}
