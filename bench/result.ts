import Table from 'cli-table3';

/** What a scenario measured. */
export interface Result {
  /** The scenario's name on the command line. */
  scenario: string;
  title: string;
  /** When it was measured, as `YYYY-MM-DD`; in docs/performance.json only. */
  date?: string;
  /** How it was measured. */
  method: string;
  head: string[];
  rows: string[][];
  aims: Aim[];
  /** Figures with more digits than the table, for programs. */
  figures: Record<string, number | null>;
  plot?: Plot;
}

export interface Aim {
  what: string;
  aim: string;
  measured: string;
  isMet: boolean;
}

/** Lines over time, or over a size. */
export interface Plot {
  x: string;
  y: string;
  /** Horizontal marks, such as a quota. */
  marks?: { y: number; label: string }[];
  isLogX?: boolean;
  points: { x: number; y: number; line: string }[];
}

export function asTables(results: readonly Result[]): string {
  return results.map(asTable).join('\n\n');
}

function asTable({ title, method, head, rows, aims }: Result): string {
  const table = new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
  table.push(...rows);
  const lines = aims.map(
    ({ what, aim, measured, isMet }) => `${isMet ? 'met' : 'MISSED'}: ${what}: ${measured} (aim: ${aim})`,
  );
  return [title, method, table.toString(), ...lines].join('\n');
}

export function figure(value: number | undefined, digits = 0): string {
  return (
    value?.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }) ?? '?'
  );
}

export const percent = (share: number, digits = 1) => `${figure(share * 100, digits)} %`;

export const megabytes = (bytes: number | undefined) =>
  bytes === undefined ? '?' : `${figure(bytes / 1e6)} MB`;

/** `0.82 (0.80–0.85)`: the median of several runs, and their extremes. */
export function spread(values: readonly number[], digits = 2): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = figure(median(values), digits);
  return values.length > 1 ? `${middle} (${figure(least, digits)}–${figure(most, digits)})` : middle;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below = 0, above = below] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (below + above) / 2;
}
