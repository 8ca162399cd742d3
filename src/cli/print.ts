import Table from 'cli-table3';
import type { Counts } from '../counts.ts';
import { duration } from '../workflows/details.ts';

export interface Output {
  /** JSON on standard output, and nothing else there. */
  json: boolean;
}

/** Standard output: one JSON value, or what a person reads. */
export function print(output: Output, value: unknown, text: () => string): void {
  process.stdout.write(`${output.json ? JSON.stringify(value, null, 2) : text()}\n`);
}

/** Standard error: what a person should know and no program reads. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

export const figure = (value: number) => value.toLocaleString('en-US');

export const seconds = duration;

const MEANING: Record<keyof Counts, string> = {
  members: 'rows of the audience seen',
  left: 'users seen who left it',
  updated: 'written to Gigya',
  unchanged: 'held the same already',
  no_gigya_id: 'without a Gigya ID in Lytics',
  unknown_uid: 'not known to Gigya',
  failed: 'refused by Gigya',
};

export function countsTable(counts: Counts, { isDryRun = false } = {}): string {
  const table = plainTable(['', 'users', ''], ['left', 'right', 'left']);
  for (const [name, meaning] of Object.entries(MEANING)) {
    const count = Object.entries(counts).find(([key]) => key === name)?.[1] ?? 0;
    const said = isDryRun && name === 'updated' ? 'would be written to Gigya' : meaning;
    table.push([name, figure(count), said]);
  }
  return table.toString();
}

export function plainTable(head: string[], aligns: ('left' | 'right')[] = []) {
  return new Table({
    head,
    colAligns: aligns,
    style: { head: [], border: [], compact: true },
  });
}
