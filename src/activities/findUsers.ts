import pMap from 'p-map';
import type { Lytics, Row, ScanPage } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { isFilterable, isFilterableField, UIDS_PER_STATEMENT, usersWith } from '../lytics/filterql.ts';
import { uidsIn } from '../mapping/uids.ts';
import { MOST_STATEMENT_PAGES, STATEMENTS_AT_ONCE } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import type { Plan } from './preflight.ts';
import { textOf } from './scanRows.ts';

export interface Finding {
  lytics: Lytics;
  plan: Plan;
  attempt: Attempt;
}

/**
 * Finds the rows of users by UID, a hundred UIDs per ad-hoc scan. UIDs that a statement cannot contain are skipped.
 *
 * @param audience Restricts the search to members of this audience.
 * @returns Undefined when the site does not allow ad-hoc scans, or the ID field cannot be part of a statement.
 */
export async function findUsers(
  uids: readonly string[],
  audience: string | undefined,
  { lytics, plan, attempt }: Finding,
): Promise<Map<string, Row[]> | undefined> {
  const field = plan.job.config.gigya_id_field;
  if (!isFilterableField(field)) return undefined;
  const askable = uids.filter(isFilterable);
  const wanted = new Set(askable);
  const found = new Map<string, Row[]>();
  const groups: string[][] = [];
  for (let at = 0; at < askable.length; at += UIDS_PER_STATEMENT) {
    groups.push(askable.slice(at, at + UIDS_PER_STATEMENT));
  }
  try {
    await pMap(
      groups,
      async (group) => {
        const statement = usersWith(field, group, audience);
        for (const row of await readAll(lytics, statement, attempt)) {
          for (const uid of uidsIn(row, field).uids) {
            if (wanted.has(uid)) found.set(uid, [...(found.get(uid) ?? []), row]);
          }
        }
      },
      { concurrency: STATEMENTS_AT_ONCE, signal: attempt.signal },
    );
    return found;
  } catch (error) {
    if (error instanceof LyticsError && error.isRefused) return undefined;
    throw error;
  }
}

async function readAll(lytics: Lytics, statement: string, attempt: Attempt): Promise<Row[]> {
  const rows: Row[] = [];
  let start = '';
  let before: string[] = [];
  for (let page = 0; page < MOST_STATEMENT_PAGES; page++) {
    const read: ScanPage = await lytics.find(statement, start, attempt.reading);
    // A scan may end by returning its last Lytics page again.
    const texts = read.next === '' && page === 0 ? [] : read.rows.map(textOf);
    if (texts.length > 0 && texts.every((text, index) => text === before[index])) break;
    rows.push(...read.rows);
    if (read.next === '' || read.rows.length === 0) break;
    before = texts;
    start = read.next;
  }
  return rows;
}
