import type { JobConfig } from '../job.ts';
import { accountStorage } from './accounts.ts';
import type { Gigya } from './client.ts';
import { dataStoreStorage } from './dataStore.ts';
import type { GigyaStorage } from './storage.ts';

type OpenStorage = (gigya: Gigya, config: JobConfig, fields: readonly string[]) => GigyaStorage;

const STORAGES: Record<JobConfig['target_storage'], OpenStorage> = {
  account: (gigya, { mute_webhooks }, fields) => accountStorage(gigya, fields, mute_webhooks),
  data_store: (gigya, { data_store_type }, fields) => dataStoreStorage(gigya, fields, data_store_type),
};

/**
 * The storage that the job writes to.
 *
 * @param fields The Gigya fields of its records.
 */
export const openStorage: OpenStorage = (gigya, config, fields) =>
  STORAGES[config.target_storage](gigya, config, fields);
