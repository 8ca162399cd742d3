import type { Gigya } from './client.ts';
import { lookUp, type Place, searchByLabel } from './search.ts';
import { checkSchema, type GigyaStorage, readAccount, writeReply } from './storage.ts';

export function accountsPlace(fields: readonly string[]): Place {
  return { namespace: 'accounts', source: 'accounts', condition: '', fields };
}

/**
 * Records in the account itself: `data.<field>`.
 *
 * @param isMuted Whether writes fire no accountUpdated webhooks.
 */
export function accountStorage(gigya: Gigya, fields: readonly string[], isMuted: boolean): GigyaStorage {
  const place = accountsPlace(fields);
  return {
    refusesUnknown: true,
    check: (wanted, options) => checkSchema(gigya, 'accounts.getSchema', {}, wanted, options),
    lookUp: (uids, options) => lookUp(gigya, place, uids, options),
    read: (uid, options) => readAccount(gigya, uid, options),
    write({ uid, data }, options) {
      const params = { UID: uid, data, ...(isMuted && { muteWebhooks: true }) };
      return gigya.call('accounts.setAccountInfo', params, writeReply, options);
    },
    findCarriers: (wanted, cursor, options) => searchByLabel(gigya, place, wanted, cursor, options),
  };
}
