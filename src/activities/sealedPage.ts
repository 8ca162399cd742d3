import { hkdfSync } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import type { GigyaAuthorization } from '../authorizations.ts';
import { SEAL_BROKEN } from '../names.ts';

const pageSchema = z.object({
  /** The audiences that the users of the page are in, in Gigya's words. */
  audiences: z.array(z.string()),
  /** A UID, its audiences as positions in the list, and how many rows of the audience it stands for. */
  users: z.array(z.tuple([z.string(), z.array(z.number()), z.number()])),
});

/** Users with their audiences. Each UID stands once. */
export type Page = z.output<typeof pageSchema>;

/** Far above what a batch holds: a page comes from our own history, and still is data from outside. */
const LARGEST_PAGE = 64 * 1024 * 1024;

/** The key that a job's pages are sealed under: of its Gigya secret, so it is nowhere else to be kept or lost. */
export function sealingKey({ secret_key, private_key }: GigyaAuthorization): Uint8Array {
  const secret = secret_key ?? private_key ?? '';
  return new Uint8Array(hkdfSync('sha256', secret, '', 'lytics-gigya-export/page/1', 32));
}

/** Compressed and encrypted: the history holds no user data in the clear. */
export function sealPage(page: Page, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(page)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })
    .encrypt(key);
}

/** @throws {ApplicationFailure} of type `SealBroken` when it was sealed under another secret. */
export async function openPage(sealed: string, key: Uint8Array): Promise<Page> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxDecompressedLength: LARGEST_PAGE,
    });
    return pageSchema.parse(JSON.parse(new TextDecoder().decode(plaintext)));
  } catch {
    throw ApplicationFailure.create({
      type: SEAL_BROKEN,
      message: 'The page cannot be opened: the Gigya secret was changed while it was under way',
      nonRetryable: true,
    });
  }
}
