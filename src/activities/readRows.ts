import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { InvalidJob, parseJob } from '../job.ts';
import type { RowCursor, RowKind, RowsAnswer, RowsByKind, RowsQuestion, RunReference } from '../rows.ts';
import { sealTo } from '../sealedTo.ts';
import { MOST_PART_BYTES, PART_MS } from '../tuning.ts';
import type { Connections } from './connections.ts';
import { readDocumentOf, readSealedRows } from './rowHistory.ts';
import { openRows, readRowSet } from './rowSet.ts';
import { sealingKey } from './sealedPage.ts';

/** Rows, and where reading continues after them. */
export interface OpenedRows<Row> {
  rows: Row[];
  cursor: RowCursor;
}

/**
 * The rows of a run, a few hundred at a time, in the order in which they were decided. A user who was on several
 * rows of Lytics, or in several scans, may come several times.
 *
 * @param from Where an earlier reading ended; null for the beginning of the run.
 * @throws {ApplicationFailure} when the run is past its retention, or the Gigya secret was changed after it.
 */
export async function* rowsOfRun<Kind extends RowKind>(
  client: Client,
  connections: Connections,
  run: RunReference,
  kind: Kind,
  from: RowCursor | null = null,
): AsyncGenerator<OpenedRows<RowsByKind[Kind]>> {
  for await (const { sets, cursor } of openedSets(client, connections, run, kind, from)) {
    yield { rows: sets.flatMap((set) => readRowSet(kind, JSON.parse(set))), cursor };
  }
}

/** Answers a client's question for rows: with a part of them, encrypted to the client's key. */
export function createReadRows(connections: Connections) {
  return async ({ run, kind, cursor: from, publicKey }: RowsQuestion): Promise<RowsAnswer> => {
    const { client } = Context.current();
    const until = Date.now() + PART_MS;
    const part: string[] = [];
    let bytes = 0;
    let next = from;
    const answer = async (end: RowCursor | null): Promise<RowsAnswer> => ({
      part: part.length === 0 ? null : await sealTo(publicKey, `[${part.join(',')}]`),
      next: end,
    });
    for await (const { sets, cursor } of openedSets(client, connections, run, kind, from)) {
      const size = sets.reduce((sum, set) => sum + Buffer.byteLength(set), 0);
      if (size > 0 && bytes > 0 && bytes + size > MOST_PART_BYTES) return answer(next);
      part.push(...sets);
      bytes += size;
      next = cursor;
      if (Date.now() > until) return answer(next);
    }
    return answer(null);
  };
}

async function* openedSets(
  client: Client,
  connections: Connections,
  run: RunReference,
  kind: RowKind,
  from: RowCursor | null,
): AsyncGenerator<{ sets: string[]; cursor: RowCursor }> {
  const authIds = authIdsOf(await readDocumentOf(client, run));
  if (!authIds) return;
  const key = sealingKey((await connections.gigya(authIds)).authorization);
  for await (const { sets, cursor } of readSealedRows(client, run, kind, from)) {
    yield { sets: await Promise.all(sets.map((set) => openRows(set, key))), cursor };
  }
}

/** Undefined for a run whose document is wrong: it has failed in preflight, and has no rows. */
function authIdsOf(document: unknown): string[] | undefined {
  try {
    return parseJob(document).auth_ids;
  } catch (error) {
    if (error instanceof InvalidJob) return undefined;
    throw error;
  }
}
