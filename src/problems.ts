import type { z } from 'zod';
import { nearestName } from './nearest.ts';

/** The full names (`config.time_of_day`) of the settings that a document may have around an unknown one. */
export type KnownSettings = (issue: z.core.$ZodIssue) => readonly string[];

/** What is wrong with a document, a line each: the path, and what to write there. Never quotes a value by itself. */
export function describeProblems(error: z.ZodError, known: KnownSettings): string[] {
  return error.issues.flatMap((issue) => describeIssue(issue, known));
}

function describeIssue(issue: z.core.$ZodIssue, known: KnownSettings): string[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const prefix = path === '' ? '' : `${path}.`;
    return issue.keys.map((key) => `${prefix}${key}: ${describeUnknown(prefix, key, known(issue))}`);
  }
  const isMissing = issue.code === 'invalid_type' && issue.input === undefined && path !== '';
  return [`${path || 'document'}: ${isMissing ? `missing; it ${issue.message}` : issue.message}`];
}

function describeUnknown(prefix: string, key: string, known: readonly string[]): string {
  const beside = known.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const similar = nearestName(key, beside);
  // The right name in the wrong place: `segment_id` beside `config` rather than in it.
  const elsewhere = known.find((name) => name.split('.').at(-1) === key);
  const meant = elsewhere ?? (similar === undefined ? undefined : `${prefix}${similar}`);
  return meant === undefined ? 'unknown setting; remove it' : `unknown setting; did you mean ${meant}?`;
}
