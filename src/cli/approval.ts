import type { Approval } from '../workflows/messages.ts';
import { commandLine } from './commandLine.ts';
import { figure } from './print.ts';
import { clockTimeIn } from './times.ts';

/** What a guarded run waits for, and the two commands that decide. */
export function approvalLines(
  { removals, carriers, until }: Approval,
  slug: string,
  timezone: string,
): string[] {
  return [
    `Waiting for approval: ${figure(removals)} of the ${figure(carriers)} users who carry the audience in Gigya would lose it. The run fails at ${clockTimeIn(until, timezone)} unless you decide:`,
    `    ${commandLine('approve', slug, '--removals', String(removals))}`,
    `    ${commandLine('refuse', slug)}`,
  ];
}
