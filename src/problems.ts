import type { z } from 'zod';
import { nearestName } from './nearest.ts';

/** The full names (`config.time_of_day`) of the settings that a document may have around an unknown one. */
export type KnownSettings = (issue: z.core.$ZodIssue) => readonly string[];

/** What is wrong with a document, a line each: the path, and what to write there. Never quotes a value by itself. */
export function describeProblems(error: z.ZodError, known: KnownSettings): string[] {
  // Two rules can reject one value with the same words.
  return [...new Set(error.issues.flatMap((issue) => describeIssue(issue, known)))];
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
  const beside = known.filter((name) => name.startsWith(prefix));
  // The right name may be in the wrong place: `segment_id` beside `config` rather than in it.
  const meant =
    known.find((name) => lastPart(name) === key) ?? similarName(key, beside) ?? similarName(key, known);
  return meant === undefined ? 'unknown setting; remove it' : `unknown setting; did you mean ${meant}?`;
}

function similarName(key: string, names: readonly string[]): string | undefined {
  const nearest = nearestName(key, names.map(lastPart));
  const having = names.filter((name) => `_${lastPart(name)}_`.includes(`_${key.toLowerCase()}_`));
  return names.find((name) => lastPart(name) === nearest) ?? (having.length === 1 ? having[0] : undefined);
}

const lastPart = (name: string) => name.split('.').at(-1) ?? name;
