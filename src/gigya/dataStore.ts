import type { Gigya } from './client.ts';
import { proveCredentials } from './credentials.ts';
import { GigyaError } from './errors.ts';
import { isQueryable, quote } from './query.ts';
import { createReader, type GigyaStorage, writeReply } from './storage.ts';

/** The object of a user that holds the audiences. Fixed: `UID` and `oid` together are the key, and `auto` makes a new object each time. */
const OID = 'lytics';

/** A user's audiences in an object of theirs in the Data Store: type, oid `lytics`, `data.<field>`. */
export function dataStoreStorage(gigya: Gigya, field: string, type: string): GigyaStorage {
  const objects = createReader(gigya, 'ds', field);
  const accounts = createReader(gigya, 'accounts', field);
  const isOurs = ` and oid = ${quote(OID)}`;
  return {
    // Documented nowhere: an object for a user who does not exist may well be accepted.
    refusesUnknown: false,
    async check(options) {
      await proveCredentials(gigya, options);
      try {
        await objects.check({ type }, options);
      } catch (error) {
        // A type comes into being with its first object; how Gigya speaks of one that is not there yet is documented nowhere.
        if (!(error instanceof GigyaError) || error.kind !== 'record') throw error;
      }
    },
    async lookUp(uids, options) {
      const found = await objects.lookUp(uids, type, isOurs, options);
      // Who has no object yet, but an account, holds nothing.
      const others = await accounts.lookUp(
        uids.filter((uid) => !found.has(uid)),
        'accounts',
        '',
        options,
      );
      for (const uid of others.keys()) found.set(uid, undefined);
      return found;
    },
    async read(UID, options) {
      const account = await accounts.read('accounts.getAccountInfo', { UID, include: 'data' }, options);
      if (!account) return null;
      const object = await objects.read('ds.get', { type, oid: OID, UID, fields: '*' }, options);
      return object ?? { held: undefined };
    },
    async write(UID, audiences, options) {
      // The default, arrayPush, appends: each run would double the arrays.
      const params = { type, oid: OID, UID, data: { [field]: audiences }, updateBehavior: 'arraySet' };
      await gigya.call('ds.store', params, writeReply, options);
    },
    async count(audience, options) {
      if (!isQueryable(audience)) return undefined;
      const query = `SELECT UID FROM ${type} WHERE data.${field} contains ${quote(audience)}${isOurs} LIMIT 1`;
      return objects.count(query, options);
    },
  };
}
