import { createECDH, hkdfSync } from 'node:crypto';
import type { GigyaAuthorization } from '../authorizations.ts';
import type { KeyPair } from '../sealedTo.ts';
import { secretOf } from './sealedPage.ts';

const CURVE = 'prime256v1';

/**
 * The key that user data in a question is sealed to. It is derived from the Gigya secret: every worker that has the
 * secret can open the question, and there is no other key to keep or lose.
 */
export function questionKeyOf(authorization: GigyaAuthorization): KeyPair {
  for (let counter = 0; ; counter++) {
    const info = `lytics-gigya-export/question/1/${counter}`;
    const scalar = Buffer.from(hkdfSync('sha256', secretOf(authorization), '', info, 32));
    const point = pointOf(scalar);
    if (!point) continue;
    // An uncompressed point: 0x04, x, y.
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
    const publicKey = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' } as const;
    return { publicKey, privateKey: { ...publicKey, d: scalar.toString('base64url') } };
  }
}

/** Undefined for the one number in 2^32 that is not a private key of this curve. */
function pointOf(scalar: Buffer): Buffer | undefined {
  const curve = createECDH(CURVE);
  try {
    curve.setPrivateKey(scalar);
    return curve.getPublicKey();
  } catch {
    return undefined;
  }
}
