import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { LARGEST_OPENED_PAGE } from './tuning.ts';

const ALGORITHM = 'ECDH-ES';
const CIPHER = 'A256GCM';

const publicKeySchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
});

/** A public key (JWK); it may be in a history. */
export type PublicKey = z.output<typeof publicKeySchema>;

export interface KeyPair {
  publicKey: PublicKey;
  privateKey: JWK;
}

/** A key pair for one question: its answer can be opened by whoever asked, and by nobody else. */
export async function createKeyPair(): Promise<KeyPair> {
  const pair = await generateKeyPair(ALGORITHM, { crv: 'P-256', extractable: true });
  return {
    publicKey: publicKeySchema.parse(await exportJWK(pair.publicKey)),
    privateKey: await exportJWK(pair.privateKey),
  };
}

/** Compresses and encrypts a text for the holder of the private key. */
export function sealTo(publicKey: unknown, text: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: ALGORITHM, enc: CIPHER, zip: 'DEF' })
    .encrypt(publicKeySchema.parse(publicKey));
}

/** Opens what was sealed to this key. @throws when it was sealed to another. */
export async function openSealed(privateKey: JWK, sealed: string): Promise<string> {
  const { plaintext } = await compactDecrypt(sealed, privateKey, {
    keyManagementAlgorithms: [ALGORITHM],
    contentEncryptionAlgorithms: [CIPHER],
    maxDecompressedLength: LARGEST_OPENED_PAGE,
  });
  return new TextDecoder().decode(plaintext);
}
