import type { Gigya } from './client.ts';
import { isQueryable, quote } from './query.ts';
import { createReader, type GigyaStorage, writeReply } from './storage.ts';

/** A user's audiences in a field of the account itself: `data.<field>`. */
export function accountStorage(gigya: Gigya, field: string): GigyaStorage {
  const reader = createReader(gigya, 'accounts', field);
  return {
    refusesUnknown: true,
    check: (options) => reader.check({}, options),
    lookUp: (uids, options) => reader.lookUp(uids, 'accounts', '', options),
    read: (UID, options) => reader.read('accounts.getAccountInfo', { UID, include: 'data' }, options),
    async write(UID, audiences, options) {
      await gigya.call('accounts.setAccountInfo', { UID, data: { [field]: audiences } }, writeReply, options);
    },
    async count(audience, options) {
      if (!isQueryable(audience)) return undefined;
      return reader.count(
        `SELECT UID FROM accounts WHERE data.${field} contains ${quote(audience)} LIMIT 1`,
        options,
      );
    },
  };
}
