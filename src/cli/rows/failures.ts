import type { FailedRow } from '../../rows.ts';
import { type Column, tabbed, tableOf } from '../table.ts';
import { csvLine } from './csv.ts';

export const FORMATS = ['table', 'csv', 'jsonl'] as const;
export type FailureFormat = (typeof FORMATS)[number];

/** The columns of `client failures`, in all formats. */
const COLUMNS = [
  'identifier',
  'operation',
  'status',
  'error_code',
  'status_message',
  'call_id',
  'attempts',
  'attempted_at',
  'run_id',
] as const;

export type Failure = Record<(typeof COLUMNS)[number], string | number | null>;

export function failureOf(row: FailedRow, runId: string): Failure {
  return {
    identifier: row.identifier,
    operation: row.operation,
    status: row.status,
    error_code: row.errorCode,
    status_message: row.statusMessage,
    call_id: row.callId,
    attempts: row.attempts,
    attempted_at: row.attemptedAt,
    run_id: runId,
  };
}

export async function* failureLines(
  failures: AsyncIterable<Failure>,
  format: 'csv' | 'jsonl',
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(COLUMNS);
  for await (const failure of failures) {
    yield format === 'csv' ? csvLine(cellsOf(failure)) : `${JSON.stringify(failure)}\n`;
  }
}

export function failureTable(failures: readonly Failure[], { isTerminal, width }: Shown): string {
  if (!isTerminal) return tabbed(COLUMNS, failures.map(cellsOf));
  return tableOf(
    TABLE,
    failures.map((failure) => cellsOf(failure).map((cell) => String(cell ?? '').replace(/\s+/g, ' '))),
    width,
  );
}

interface Shown {
  isTerminal: boolean;
  width: number;
}

/** Left out first where the terminal is narrow. */
const SPARE: Partial<Record<(typeof COLUMNS)[number], number>> = {
  run_id: 1,
  attempted_at: 2,
  attempts: 3,
  operation: 4,
};

const TABLE: readonly Column[] = COLUMNS.map((name) => {
  const spare = SPARE[name];
  return { head: name.toUpperCase(), ...(spare !== undefined && { spare }) };
});

const cellsOf = (failure: Failure) => COLUMNS.map((column) => failure[column]);
