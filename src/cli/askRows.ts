import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import { readRowSet } from '../activities/rowSet.ts';
import type { RowCursor, RowKind, RowsByKind, RunReference } from '../rows.ts';
import { LARGEST_OPENED_PAGE } from '../tuning.ts';
import type { Temporal } from './connect.ts';
import { createQuestions } from './questions.ts';

const partSchema = z.array(z.unknown());

/**
 * Reads the rows of a run through a worker, which alone can open them. They travel encrypted to a key pair that
 * lives as long as this reading: nothing in Temporal can be opened by anyone else.
 *
 * @throws {Refused} when the run is past its retention, or the Gigya secret was changed after it.
 */
export async function* askRows<Kind extends RowKind>(
  temporal: Temporal,
  run: RunReference,
  kind: Kind,
): AsyncGenerator<RowsByKind[Kind]> {
  const { readRows } = createQuestions(temporal);
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
  const publicJwk = { ...(await exportJWK(publicKey)) };
  let cursor: RowCursor | null = null;
  do {
    const { part, next } = await readRows({ run, kind, cursor, publicKey: publicJwk });
    cursor = next;
    if (part === null) continue;
    const { plaintext } = await compactDecrypt(part, privateKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxDecompressedLength: LARGEST_OPENED_PAGE,
    });
    for (const set of partSchema.parse(JSON.parse(new TextDecoder().decode(plaintext)))) {
      yield* readRowSet(kind, set);
    }
  } while (cursor !== null);
}
