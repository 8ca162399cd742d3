import { isRecordFault } from '../errors.ts';
import type { Held } from '../record.ts';
import { accountsPlace } from './accounts.ts';
import type { Gigya } from './client.ts';
import { GigyaError } from './errors.ts';
import { quote } from './query.ts';
import { lookUp, type Place, searchByLabel } from './search.ts';
import { checkSchema, type GigyaStorage, judgeFields, readAccount, readData, writeReply } from './storage.ts';

/** The user's object. Fixed: `UID` and `oid` together are the key, and `auto` makes a new object each time. */
const OID = 'lytics';

const SCHEMA = 'ds.getSchema';
const RULES = { endingsFixTypes: true };

/** Records in an object of the user in the Data Store: type, oid `lytics`, `data.<field>`. */
export function dataStoreStorage(gigya: Gigya, fields: readonly string[], type: string): GigyaStorage {
  const objects: Place = { namespace: 'ds', source: type, condition: ` and oid = ${quote(OID)}`, fields };
  const accounts = accountsPlace([]);
  return {
    // Not documented: an object for a user who does not exist may be accepted.
    refusesUnknown: false,
    async check(wanted, options) {
      try {
        return await checkSchema(gigya, SCHEMA, { type }, wanted, { ...options, ...RULES });
      } catch (error) {
        // A type is created with its first object; how Gigya reports one that does not exist is not documented.
        if (!isRecordFault(error)) throw error;
        return { ...judgeFields(SCHEMA, wanted, {}, RULES), warnings: [] };
      }
    },
    async lookUp(uids, options) {
      const found = await lookUp(gigya, objects, uids, options).catch((error: unknown) => {
        // Before the first object of a type there is nothing to search.
        if (!isRecordFault(error)) throw error;
        return new Map<string, Held>();
      });
      // A user without an object, but with an account, holds nothing.
      const others = uids.filter((uid) => !found.has(uid));
      for (const uid of (await lookUp(gigya, accounts, others, options)).keys()) found.set(uid, {});
      return found;
    },
    async read(UID, options) {
      await readAccount(gigya, UID, options);
      try {
        return await readData(gigya, 'ds.get', { type, oid: OID, UID, fields: '*' }, options);
      } catch (error) {
        // A user without an object holds nothing.
        const isNothing = error instanceof GigyaError && (error.isMissing || error.reason === 'unknown_uid');
        if (isNothing) return {};
        throw error;
      }
    },
    write({ uid, data }, options) {
      // The default, arrayPush, appends: each run would lengthen the arrays.
      const params = { type, oid: OID, UID: uid, data, updateBehavior: 'arraySet' };
      return gigya.call('ds.store', params, writeReply, options);
    },
    findCarriers: (wanted, cursor, options) => searchByLabel(gigya, objects, wanted, cursor, options),
  };
}
