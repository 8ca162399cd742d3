import { once } from 'node:events';
import type { Counts } from '../counts.ts';
import { linesOf, wrapped } from './table.ts';

/** Where and how results are written. */
export interface Output {
  /** JSON on standard output, and nothing else there. */
  json: boolean;
  /** Standard output is a terminal: tables and wrapped lines rather than tabs. */
  isTerminal: boolean;
  /** Lines may be redrawn. */
  isAnimated: boolean;
  /** Columns of the terminal. */
  width: number;
}

/** The narrowest width that lines are wrapped for, and the default where the width is unknown. */
const NARROWEST = 40;
const USUAL_WIDTH = 80;

export function outputFor(json: boolean): Output {
  const { isTTY = false, columns = USUAL_WIDTH } = process.stdout;
  const isPlain = process.env['TERM'] === 'dumb' || Boolean(process.env['CI']);
  return {
    json,
    isTerminal: isTTY,
    isAnimated: isTTY && !isPlain && !json,
    width: Math.max(NARROWEST, columns),
  };
}

/** Writes to standard output: one JSON value, or text for people. */
export function print(output: Output, value: unknown, text: () => string): void {
  const written = output.json ? JSON.stringify(value, null, 2) : text();
  if (written !== '') process.stdout.write(`${written}\n`);
}

/** Writes a part of a long result to standard output, and waits until it is taken. */
export async function writeOut(text: string): Promise<void> {
  if (process.stdout.write(text) === false) await once(process.stdout, 'drain');
}

/** Writes text for people to standard error; nothing with --json. */
export function tell(output: Output, line: string): void {
  if (!output.json) process.stderr.write(`${line}\n`);
}

export const figure = (value: number) => value.toLocaleString('en-US');

/** Users per second, with a decimal only for small numbers. */
export const rateText = (rate: number) => figure(rate < 10 ? rate : Math.round(rate));

/** `1 user`, `2,000 users` */
export function plural(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Problems are shown on separate lines. */
export function troubleLines(text: string, { width }: Output): string {
  return wrapped(`! ${text}`, width, '  ');
}

const MEANING: Readonly<Record<string, string>> = {
  members: 'members of the audience',
  left: 'users who left the audience',
  updated: 'written to Gigya',
  unchanged: 'already up to date',
  excluded: 'in an excluded audience',
  no_gigya_id: 'without a Gigya ID in Lytics',
  unknown_uid: 'unknown to Gigya',
  failed: 'could not be written',
  stale: 'changed in Gigya since the preview',
};

/** One line per count, for people and for `grep`. */
export function countLines(counts: Counts, { isDryRun = false } = {}): string {
  const rows = Object.entries(counts).map(([name, count]) => {
    const meaning = isDryRun && name === 'updated' ? 'would be written to Gigya' : (MEANING[name] ?? '');
    return [`  ${name}`, figure(Number(count)), meaning];
  });
  return linesOf(rows, ['left', 'right', 'left']);
}
