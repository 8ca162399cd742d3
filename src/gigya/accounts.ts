import type { Gigya } from './client.ts';
import { lookUp, type Place, searchByLabel } from './search.ts';
import { checkSchema, type GigyaStorage, readData, writeReply } from './storage.ts';

export function accountsPlace(fields: readonly string[]): Place {
  return { namespace: 'accounts', source: 'accounts', condition: '', fields };
}

/** Records in the account itself: `data.<field>`. */
export function accountStorage(gigya: Gigya, fields: readonly string[]): GigyaStorage {
  const place = accountsPlace(fields);
  return {
    refusesUnknown: true,
    check: (field, options) => checkSchema(gigya, 'accounts.getSchema', {}, field, options),
    lookUp: (uids, options) => lookUp(gigya, place, uids, options),
    read: (UID, options) => readData(gigya, 'accounts.getAccountInfo', { UID, include: 'data' }, options),
    async write({ uid, data }, options) {
      await gigya.call('accounts.setAccountInfo', { UID: uid, data }, writeReply, options);
    },
    findCarriers: (wanted, cursor, options) => searchByLabel(gigya, place, wanted, cursor, options),
  };
}
