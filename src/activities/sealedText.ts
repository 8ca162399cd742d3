import { createCipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import { compactDecrypt } from 'jose';
import { SEAL_BROKEN } from '../names.ts';
import { LARGEST_OPENED_PAGE } from '../tuning.ts';

const HEADER = Buffer.from('{"alg":"dir","enc":"A256GCM","zip":"DEF"}').toString('base64url');

/** Compresses and encrypts to a compact JWE. Synchronous, unlike jose: heartbeats are made without waiting. */
export function sealText(text: string, key: Uint8Array): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(HEADER));
  const content = Buffer.concat([cipher.update(deflateRawSync(text)), cipher.final()]);
  const parts = [nonce, content, cipher.getAuthTag()].map((part) => part.toString('base64url'));
  // The empty part is the encrypted key: both sides have the key already.
  return [HEADER, '', ...parts].join('.');
}

/**
 * @param broken What is wrong when it was sealed under another key.
 * @throws {ApplicationFailure} of type `SealBroken`.
 */
export async function openText(sealed: string, key: Uint8Array, broken: string): Promise<string> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxDecompressedLength: LARGEST_OPENED_PAGE,
    });
    return new TextDecoder().decode(plaintext);
  } catch {
    throw ApplicationFailure.create({ type: SEAL_BROKEN, message: broken, nonRetryable: true });
  }
}
