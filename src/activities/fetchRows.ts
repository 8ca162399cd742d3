import { Context } from '@temporalio/activity';
import type { Counts } from '../counts.ts';
import type { Held, UserRecord } from '../record.ts';
import type { ChangedRow, RowCursor } from '../rows.ts';
import type { Selection } from '../selection.ts';
import { ROWS_PER_PAGE } from '../tuning.ts';
import { currentAttempt } from './attempt.ts';
import { bitsOf, positionsIn } from './bits.ts';
import type { Catalogues } from './catalogues.ts';
import type { Connections } from './connections.ts';
import { sealExpected } from './expected.ts';
import type { FetchedPage } from './fetchedPage.ts';
import type { Plan } from './preflight.ts';
import { type OpenedRows, rowsOfRun } from './readRows.ts';
import { selectFailed } from './retriedRows.ts';
import { sealingKey, sealPage } from './sealedPage.ts';
import { assertSelected, countSelected } from './selectedRun.ts';
import { Unwritable } from './unwritable.ts';

export interface RowsToFetch {
  plan: Plan;
  selection: Selection;
  /** Null at the beginning. */
  cursor: RowCursor | null;
  /** These rows of the page, one bit each; without it, all but those of users who lose the audience. */
  only?: string;
}

/** The next selected rows of an earlier run. */
export interface RowsPage extends FetchedPage<RowCursor> {
  /** Of a plan: what Gigya held of each record when the plan was made, sealed. */
  expected?: string;
  /** Users who lose the audience and are not in the page: their positions, one bit each. */
  removals: { positions: string; users: number } | null;
  /** Selected rows of the run, as far as known; at the beginning only. */
  total: number | null;
  /** Members of the audience that a plan's preview counted; at the beginning only. */
  members?: number;
}

/** A row as the run recorded it. Rows with one UID are one. */
export interface RecordedRow<Row> {
  row: Row;
  /** In the page. */
  position: number;
  copies: number;
}

/** A row as it is written. */
export interface SelectedRow {
  record: UserRecord;
  position: number;
  copies: number;
  /** Whether the user loses the audience. */
  isRemoval: boolean;
  /** Whether the user counts as `left`, and not as a member. */
  hasLeft: boolean;
  /** What Gigya must still hold; of a plan only. */
  before?: Held;
}

export interface Selected {
  rows: SelectedRow[];
  /** Users who left, and keep what they hold: `config.on_exit` is `keep`. */
  kept: number;
}

/** Reads the selected rows of an earlier run from its history, turns them into records, and seals these. */
export function createFetchRows(connections: Connections, catalogues: Catalogues) {
  return async ({ plan, selection, cursor, only }: RowsToFetch): Promise<RowsPage> => {
    const attempt = currentAttempt();
    const { client } = Context.current();
    const run = { workflowId: selection.workflow_id, runId: selection.run_id };
    const isFirst = cursor === null && only === undefined;
    const members = isFirst ? await assertSelected(client, selection, plan.job) : undefined;
    const { gigya, authorization } = await connections.gigya(plan.job.auth_ids);
    const key = sealingKey(authorization);
    const unwritable = new Unwritable(key, attempt.number);

    async function select(): Promise<Selected & { next: RowCursor | null }> {
      if (selection.rows === 'plan') {
        const changed = rowsOfRun(client, connections, run, 'changed', cursor);
        const { rows, next } = await readPage(changed, ({ uid }) => uid, only);
        return { rows: rows.map(planned), kept: 0, next };
      }
      const failed = rowsOfRun(client, connections, run, 'failed', cursor);
      const { rows, next } = await readPage(failed, ({ identifier }) => identifier, only);
      const lytics = await connections.lytics(plan.job.auth_ids);
      const tools = { lytics, gigya, plan, catalogues, attempt, unwritable };
      return { ...(await selectFailed(rows, tools)), next };
    }

    const { rows, kept, next } = await select();
    const held = only === undefined ? rows.filter(({ isRemoval }) => isRemoval) : [];
    const given = rows.filter((row) => !held.includes(row));
    const sealed = unwritable.seal();
    return {
      page: given.length > 0 ? await sealPage(pageOf(given), key) : null,
      ...(selection.rows === 'plan' && {
        expected: sealExpected(
          given.map(({ before }) => before ?? {}),
          key,
        ),
      }),
      counts: countsOf(given, kept, unwritable),
      failures: unwritable.failures,
      ...(sealed && { sealed }),
      next,
      expired: false,
      removals:
        held.length === 0
          ? null
          : { positions: bitsOf(held.map(({ position }) => position)), users: held.length },
      total: isFirst ? await countSelected(client, selection) : null,
      ...(members !== undefined && { members }),
    };
  };
}

/** Reads rows until they fill a page. The same cursor always gives the same page. */
async function readPage<Row>(
  reading: AsyncGenerator<OpenedRows<Row>>,
  uidOf: (row: Row) => string,
  only: string | undefined,
): Promise<{ rows: RecordedRow<Row>[]; next: RowCursor | null }> {
  const byUid = new Map<string, RecordedRow<Row>>();
  let next: RowCursor | null = null;
  for await (const { rows, cursor } of reading) {
    for (const row of rows) {
      const known = byUid.get(uidOf(row));
      // The last one is the newest.
      if (known) Object.assign(known, { row, copies: known.copies + 1 });
      else byUid.set(uidOf(row), { row, position: byUid.size, copies: 1 });
    }
    if (byUid.size < ROWS_PER_PAGE) continue;
    next = cursor;
    break;
  }
  const wanted = only === undefined ? undefined : new Set(positionsIn(only));
  return { rows: [...byUid.values()].filter(({ position }) => wanted?.has(position) ?? true), next };
}

function planned({
  row: { uid, operation, before, after },
  position,
  copies,
}: RecordedRow<ChangedRow>): SelectedRow {
  const isRemoval = operation === 'remove';
  return { record: { uid, data: after }, position, copies, isRemoval, hasLeft: isRemoval, before };
}

function pageOf(rows: readonly SelectedRow[]) {
  return {
    records: rows.map(({ record }) => record),
    copies: rows.flatMap(({ record: { uid }, copies }): [string, number][] =>
      copies > 1 ? [[uid, copies]] : [],
    ),
  };
}

function countsOf(rows: readonly SelectedRow[], kept: number, { failed }: Unwritable): Partial<Counts> {
  const counts = { members: failed, left: kept, unchanged: kept, failed };
  for (const { hasLeft, copies } of rows) counts[hasLeft ? 'left' : 'members'] += copies;
  return counts;
}
