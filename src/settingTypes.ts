import { z } from 'zod';
import { readNumber } from './numbers.ts';
import { readTimeOfDay } from './timeOfDay.ts';
import { canonicalTimezone } from './timezone.ts';

/** The kinds of settings in documents. Each message completes "the setting …". */

export const text = (max = 4096) =>
  z
    .string({ error: 'must be a string' })
    .trim()
    .min(1, { error: 'must not be empty', abort: true })
    .max(max, { error: `must be at most ${max} characters` });

export const flag = z.boolean({ error: 'must be true or false, without quotes' });

export const number = z.number({ error: 'must be a number' });

export const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error, abort: true }).min(min, { error }).max(max, { error });
};

/** A number that may come as text. */
export const numeric = (schema: z.ZodNumber) =>
  z.preprocess((value: number) => (typeof value === 'string' ? (readNumber(value) ?? value) : value), schema);

const isSame = (word: string, value: string) => word === value;

/**
 * One of some words, in any case of letters.
 *
 * @param isMeant Whether a word in lower case stands for a value.
 */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T, isMeant = isSame) =>
  z.preprocess(
    (value: T[number]) => {
      const word = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
      return word === undefined ? value : (values.find((one) => isMeant(word, one)) ?? value);
    },
    z.enum(values, { error: `must be ${alternatives(values)}` }),
  );

/** Whether a setting is not set: an unset time of Lytics can be Go's zero time. */
export const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && (value.trim() === '' || value.startsWith('0001-01-01T00:00:00')));

/** `"a", "b" or "c"` */
export function alternatives(values: readonly string[]): string {
  const quoted = values.map((value) => `"${value}"`);
  const last = quoted.pop() ?? '';
  return quoted.length > 0 ? `${quoted.join(', ')} or ${last}` : last;
}

const TIME = 'must be a time of day, such as "03:30" or "3:30 AM"';

/** Canonical form: `HH:MM`, 24 hours. */
export const timeOfDay = z.string({ error: TIME }).transform((value, context) => {
  const time = readTimeOfDay(value);
  if (time !== undefined) return time;
  context.addIssue({ code: 'custom', message: TIME });
  return z.NEVER;
});

/** Canonical form: the letters of the IANA database. */
export const timezone = z
  .string({ error: 'must be an IANA time zone, such as "Europe/Vienna"' })
  .transform((value, context) => {
    const zone = canonicalTimezone(value);
    if (zone !== undefined) return zone;
    const message = `"${value}" is not a time zone; use an IANA name, such as "Europe/Vienna" or "UTC"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** The error of an object: unknown keys keep their own. */
export const notObject = (issue: { code?: string | undefined }) =>
  issue.code === 'invalid_type' ? 'must be a JSON object: {…}' : undefined;
