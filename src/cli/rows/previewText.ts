import type { ChangedRow } from '../../rows.ts';
import type { Estimate, GuardFigures } from '../../workflows/estimate.ts';
import type { Summary } from '../../workflows/run.ts';
import { describeSummary, type Followed } from '../follow.ts';
import { figure, type Output, plural } from '../print.ts';
import { type Column, tabbed, tableOf } from '../table.ts';
import type { PlanDigest } from './planFile.ts';

/** A preview as people read it: counts, the first rows, and what a run would take. */
export function previewText(
  summary: Summary,
  plan: PlanDigest,
  { out, webhooks }: { out: string | undefined; webhooks: Followed['webhooks'] },
  output: Output,
): string {
  return [
    describeSummary(summary, output, webhooks),
    ...(summary.guard ? [guardText(summary.guard)] : []),
    ...(summary.estimate ? [estimateText(summary.estimate)] : []),
    ...rowLines(plan, output),
    planText(plan, out),
  ].join('\n');
}

function guardText({ removals, carriers, reason }: GuardFigures): string {
  const figures = `${figure(removals)} of ${plural(carriers, 'carrier')} would lose the audience`;
  return `Guard: ${figures}; a run ${reason === null ? 'would not wait' : 'would wait'} for approval.`;
}

function estimateText(estimate: Estimate): string {
  const { gigya_writes, gigya_searches, gigya_reads, lytics_requests, minutes } = estimate;
  const gigya = [
    plural(gigya_writes, 'write'),
    gigya_searches === 1 ? '1 search' : `${figure(gigya_searches)} searches`,
    ...(gigya_reads > 0 ? [plural(gigya_reads, 'read')] : []),
  ];
  return `A run takes ${gigya.join(', ')} in Gigya and ${plural(lytics_requests, 'request')} to Lytics: about ${figure(minutes)} min at Gigya's quota.`;
}

const COLUMNS: readonly Column[] = [
  { head: 'UID' },
  { head: 'OPERATION' },
  { head: 'BEFORE' },
  { head: 'AFTER' },
];

function rowLines({ first, rows }: PlanDigest, output: Output): string[] {
  if (first.length === 0) return [];
  const cells = first.map(cellsOf);
  const heads = COLUMNS.map(({ head }) => head.toLowerCase());
  const table = output.isTerminal ? tableOf(COLUMNS, cells, output.width) : tabbed(heads, cells);
  const others = rows - first.length;
  return ['', table, ...(others > 0 ? [`… and ${plural(others, 'other user')}`] : []), ''];
}

function cellsOf({ uid, operation, before, after }: ChangedRow): string[] {
  return [uid, operation, fieldsText(before), fieldsText(after)];
}

/** One field needs no name. */
function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  const [only, ...others] = Object.values(fields);
  return JSON.stringify(others.length === 0 ? only : fields);
}

function planText({ rows, operations, sha256 }: PlanDigest, out: string | undefined): string {
  const { add, change, remove } = operations;
  const place = out === undefined ? 'add --out FILE to write it to a file' : `written to ${out}`;
  return `Plan: ${plural(rows, 'user')} (${figure(add)} add, ${figure(change)} change, ${figure(remove)} remove), sha256 ${sha256}; ${place}.`;
}
