import { generateKeyPairSync } from 'node:crypto';
import { createRandom } from './random.ts';

/** The credentials this sandbox knows: one Lytics token, one Gigya site, two of its applications. */
export type Keys = {
  lyticsToken: string;
  apiKey: string;
  /** The application with a secret, for `secret` and for signatures. */
  userKey: string;
  secret: string;
  /** The application with a key pair, for bearer tokens. */
  rsaUserKey: string;
  /** PKCS#8 PEM. */
  privateKey: string;
  /** SPKI PEM. */
  publicKey: string;
};

/** Everything but the key pair follows from the seed: node:crypto cannot derive an RSA key pair from one. */
export function createKeys(seed: number): Keys {
  const random = createRandom(seed ^ 0x5eed);
  const text = (length: number) => random.bytes(length).toString('base64url').slice(0, length);
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    lyticsToken: `at.${random.hex(32)}.${random.hex(32)}`,
    apiKey: `3_${text(64)}`,
    userKey: `AK${text(10)}`,
    // Base64, as real ones are: the signature decodes it.
    secret: random.bytes(32).toString('base64'),
    rsaUserKey: `AR${text(10)}`,
    ...pair,
  };
}
