import { hash } from '../random.ts';
import type { World } from '../world.ts';
import type { Document } from './documents.ts';
import type { Account } from './state.ts';

/** Drawn from the UID alone, so that the same share makes the same accounts lite. */
export function isLite(uid: string, share: number): boolean {
  return share > 0 && hash(`lite ${uid}`) / 2 ** 32 < share;
}

/** Undefined for a lite account too: to everything but a search for lite accounts it does not exist. */
export function fullAccount(world: World, uid: string): Account | undefined {
  return isLite(uid, world.settings().gigya.liteShare) ? undefined : world.gigya.accounts.get(uid);
}

export const accountTypes = ['full', 'lite'] as const;
export type AccountType = (typeof accountTypes)[number];

/** The rows that an account is in a search: a full account has a lite one of the same UID beside it. */
export function searchRows(account: Document, types: readonly AccountType[], liteShare: number): Document[] {
  const rows: Document[] = [];
  const { UID, profile, created, createdTimestamp } = account;
  if (types.includes('full') && !isLite(String(UID), liteShare)) rows.push(account);
  if (types.includes('lite'))
    rows.push({ UID, profile, created, createdTimestamp, isRegistered: false, isLite: true, data: {} });
  return rows;
}
