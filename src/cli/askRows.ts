import { z } from 'zod';
import { readRowSet } from '../activities/rowSet.ts';
import type { RowCursor, RowKind, RowsByKind, RunReference } from '../rows.ts';
import { createKeyPair, openSealed } from '../sealedTo.ts';
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
  const { publicKey, privateKey } = await createKeyPair();
  let cursor: RowCursor | null = null;
  do {
    const { part, next } = await readRows({ run, kind, cursor, publicKey });
    cursor = next;
    if (part === null) continue;
    for (const set of partSchema.parse(JSON.parse(await openSealed(privateKey, part)))) {
      yield* readRowSet(kind, set);
    }
  } while (cursor !== null);
}
