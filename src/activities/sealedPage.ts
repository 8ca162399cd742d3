import { hkdfSync } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { CompactEncrypt, compactDecrypt } from 'jose';
import type { GigyaAuthorization } from '../authorizations.ts';
import { SEAL_BROKEN } from '../names.ts';
import type { UserRecord } from '../record.ts';
import { LARGEST_OPENED_PAGE } from '../tuning.ts';
import { decodePage, encodePage } from './pageEncoding.ts';

/** Records that travel together. Each UID appears once. */
export interface Page {
  records: UserRecord[];
  /** Rows that a record stands for, by UID, where that is more than one. */
  copies: [uid: string, rows: number][];
}

/** The key that a job's pages are sealed under. Derived from its Gigya secret, so there is no other key to keep or lose. */
export function sealingKey(authorization: GigyaAuthorization): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secretOf(authorization), '', 'lytics-gigya-export/page/1', 32));
}

/** What keys are derived from. */
export const secretOf = ({ secret_key, private_key }: GigyaAuthorization): string =>
  secret_key ?? private_key ?? '';

/** Compresses and encrypts: no history holds user data in the clear. */
export function sealPage(page: Page, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(encodePage(page))))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })
    .encrypt(key);
}

/** @throws {ApplicationFailure} of type `SealBroken` when it was sealed under another secret. */
export async function openPage(sealed: string, key: Uint8Array): Promise<Page> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxDecompressedLength: LARGEST_OPENED_PAGE,
    });
    return decodePage(JSON.parse(new TextDecoder().decode(plaintext)));
  } catch {
    throw ApplicationFailure.create({
      type: SEAL_BROKEN,
      message: 'The page cannot be opened: the Gigya secret changed after the page was sealed',
      nonRetryable: true,
    });
  }
}
