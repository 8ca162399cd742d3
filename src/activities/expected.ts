import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Held, holds, isValue } from '../record.ts';
import { openText, sealText } from './sealedText.ts';

const expectedSchema = z.array(z.record(z.string(), z.unknown()));

/** Seals what Gigya held of each record of a page when a plan was made. */
export function sealExpected(expected: readonly Held[], key: Uint8Array): string {
  return sealText(JSON.stringify(expected), key);
}

/** In the order of the page's records. @throws {ApplicationFailure} of type `SealBroken`. */
export async function openExpected(sealed: string, key: Uint8Array): Promise<Held[]> {
  const opened = await openText(sealed, key, 'The plan cannot be opened: the Gigya secret was changed');
  return expectedSchema.parse(JSON.parse(opened));
}

/** Whether a user no longer holds what a plan was made from. */
export function isStale(held: Held, expected: Held): boolean {
  return !Object.entries(expected).every(([field, value]) =>
    isValue(value) ? holds(held, { [field]: value }) : isDeepStrictEqual(held[field], value),
  );
}
