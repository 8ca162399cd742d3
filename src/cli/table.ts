import Table from 'cli-table3';

export interface Column {
  head: string;
  align?: 'left' | 'right';
  /** Left out first where the terminal is too narrow; columns without a number always stay. */
  spare?: number;
}

const GAP = 2;
const NO_BORDERS = Object.fromEntries(
  [
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right',
    'left left-mid mid mid-mid right right-mid middle',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name, '']),
);

/** Columns beside each other, without borders. */
export function linesOf(rows: readonly string[][], aligns: readonly ('left' | 'right')[]): string {
  const table = new Table({
    chars: NO_BORDERS,
    colAligns: [...aligns],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  });
  table.push(...rows.map((row) => [...row]));
  return withoutTrailingSpace(table.toString());
}

/**
 * A table that fits the width: it leaves out spare columns, then cuts the widest one.
 *
 * @param notes Lines below the row of the same index.
 */
export function tableOf(
  columns: readonly Column[],
  rows: readonly string[][],
  width: number,
  notes: readonly string[][] = [],
): string {
  const kept = keptColumns(columns, rows, width);
  const pick = (row: readonly string[]) => kept.map((index) => row[index] ?? '');
  const heads = columns.map(({ head }) => head);
  const cut = cutToWidth([heads, ...rows].map(pick), width);
  const lines = linesOf(
    cut,
    kept.map((index) => columns[index]?.align ?? 'left'),
  ).split('\n');
  return lines
    .flatMap((line, index) => [
      line,
      ...(notes[index - 1] ?? []).map((note) => wrapped(`  ${note}`, width, '    ')),
    ])
    .join('\n');
}

/** Fields with a tab between them, as `cut` takes them. */
export function tabbed(heads: readonly string[], rows: readonly (string | number | null)[][]): string {
  const clean = (field: string | number | null) => String(field ?? '').replace(/\s+/g, ' ');
  return [heads, ...rows].map((row) => row.map(clean).join('\t')).join('\n');
}

/** Breaks a text between words; what follows the first line is indented. */
export function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = lines.length === 0 ? '' : indent;
    const leading = /^ */.exec(paragraph)?.[0] ?? '';
    line += leading;
    let isEmpty = true;
    for (const word of paragraph.trim().split(/ +/)) {
      if (!isEmpty && line.length + 1 + word.length > width) {
        lines.push(line);
        line = indent;
        isEmpty = true;
      }
      line += isEmpty ? word : ` ${word}`;
      isEmpty = false;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

function keptColumns(columns: readonly Column[], rows: readonly string[][], width: number): number[] {
  let kept = columns.map((_, index) => index);
  const spares = columns
    .map(({ spare }, index) => ({ index, spare: spare ?? 0 }))
    .filter(({ spare }) => spare > 0)
    .sort((one, other) => one.spare - other.spare);
  for (const { index } of spares) {
    if (totalWidth(kept.map((column) => widthOf(columns, rows, column))) <= width) break;
    kept = kept.filter((column) => column !== index);
  }
  return kept;
}

function widthOf(columns: readonly Column[], rows: readonly string[][], index: number): number {
  const texts = [columns[index]?.head ?? '', ...rows.map((row) => row[index] ?? '')];
  return Math.max(...texts.map(({ length }) => length));
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
}

function cutToWidth(rows: readonly string[][], width: number): string[][] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const excess = totalWidth(widths) - width;
  if (excess <= 0) return rows.map((row) => [...row]);
  const widest = widths.indexOf(Math.max(...widths));
  const limit = Math.max(8, (widths[widest] ?? 0) - excess);
  return rows.map((row) => row.map((text, index) => (index === widest ? shortened(text, limit) : text)));
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function withoutTrailingSpace(text: string): string {
  return text.replace(/ +$/gm, '');
}
