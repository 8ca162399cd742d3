import type { MappingTarget } from '../jobMappings.ts';
import { readNumber } from '../numbers.ts';
import type { FieldType, Value } from '../record.ts';

/** Lytics' value does not fit the type of the Gigya field. */
export const MISFIT = Symbol('misfit');

/** Whether a mapping is for maps of scores, whose strongest keys are exported as a list. */
export function isForMaps({ top, min }: MappingTarget): boolean {
  return top !== undefined || min !== undefined;
}

/**
 * Converts a value of a Lytics field for a Gigya field.
 *
 * @param type The type of the Gigya field; undefined when Gigya does not declare it.
 * @returns Null when Lytics has no value, or an empty list for a list field.
 */
export function valueFor(
  raw: unknown,
  target: MappingTarget,
  type: FieldType | undefined,
): Value | typeof MISFIT {
  if (isBlank(raw)) return isForMaps(target) ? [] : null;
  if (typeof raw === 'object') {
    if (type !== undefined && type !== 'string') return MISFIT;
    return Array.isArray(raw) ? listOf(raw) : strongestKeys(raw, target);
  }
  return isForMaps(target) ? MISFIT : scalarFor(raw, target, type);
}

/** Whether Lytics has no value. */
export const isBlank = (raw: unknown): raw is null | undefined | '' =>
  raw === null || raw === undefined || (typeof raw === 'string' && raw.trim() === '');

function scalarFor(
  raw: unknown,
  { round }: MappingTarget,
  type: FieldType | undefined,
): Value | typeof MISFIT {
  const number = readNumber(raw);
  const isNumber = typeof raw === 'number' || type === 'number' || type === 'integer' || round !== undefined;
  if (number !== undefined && isNumber && type !== 'boolean') {
    const rounded = round === undefined ? number : toStep(number, round);
    if (type === 'string') return String(rounded);
    return type === 'integer' ? Math.round(rounded) : rounded;
  }
  if (type === 'number' || type === 'integer') return MISFIT;
  if (type === 'boolean') return truthOf(raw);
  if (typeof raw === 'boolean') return type === 'string' ? String(raw) : raw;
  return typeof raw === 'string' ? raw.toWellFormed() : MISFIT;
}

function truthOf(raw: unknown): boolean | typeof MISFIT {
  const text = String(raw).trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : MISFIT;
}

/** Digits beyond a double's own are noise of the multiplication: 3 × 0.1 is 0.30000000000000004. */
function toStep(number: number, step: number): number {
  // Adding 0 turns -0 into 0: JSON cannot distinguish them.
  return Number((Math.round(number / step) * step).toPrecision(12)) + 0;
}

/** Sorted strings without duplicates: Lytics does not guarantee an order. */
function listOf(entries: readonly unknown[]): string[] {
  const texts = entries.flatMap((entry) =>
    ['string', 'number', 'boolean'].includes(typeof entry) && !isBlank(entry)
      ? [String(entry).toWellFormed()]
      : [],
  );
  return [...new Set(texts)].sort();
}

/** The keys with the highest scores, sorted by name, so that a different order of the scores is not a change. */
function strongestKeys(map: object, { top, min, round }: MappingTarget): string[] {
  if (top === undefined && min === undefined) {
    return listOf(Object.entries(map).flatMap(([key, value]) => (isBlank(value) ? [] : [key])));
  }
  const scored = Object.entries(map).flatMap(([key, value]) => {
    const score = readNumber(value);
    return score === undefined ? [] : [{ key, score: round === undefined ? score : toStep(score, round) }];
  });
  const strongest = scored
    .filter(({ score }) => min === undefined || score >= min)
    .sort((one, other) => other.score - one.score || (one.key < other.key ? -1 : 1));
  return listOf(strongest.slice(0, top).map(({ key }) => key));
}
