import { type Document, isEmpty, pick, read } from './documents.ts';
import type { Condition, Literal, Operator, Select } from './query.ts';

/** How `contains` compares: with whole elements (or parts of a string), or by word. */
export type Contains = 'exact' | 'words';

export function matches(document: Document, condition: Condition, contains: Contains): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.terms.every((term) => matches(document, term, contains));
    case 'or':
      return condition.terms.some((term) => matches(document, term, contains));
    case 'not':
      return !matches(document, condition.term, contains);
    case 'compare':
      return compare(read(document, condition.field), condition.operator, condition.value);
    case 'in':
      return isIn(read(document, condition.field), condition.values);
    case 'contains':
      return contains === 'words'
        ? holdsWords(read(document, condition.field), String(condition.value))
        : holdsExactly(read(document, condition.field), condition.value);
    case 'null':
      return isEmpty(read(document, condition.field));
  }
}

function compare(a: unknown, operator: Operator, b: Literal): boolean {
  if (Array.isArray(a)) {
    if (operator === '!=') return !a.some((one) => compare(one, '=', b));
    return a.some((one) => compare(one, operator, b));
  }
  if (operator === '=') return a === b;
  if (operator === '!=') return a !== b;
  if (!(typeof a === 'string' && typeof b === 'string') && !(typeof a === 'number' && typeof b === 'number'))
    return false;
  if (operator === '>') return a > b;
  if (operator === '>=') return a >= b;
  if (operator === '<') return a < b;
  return a <= b;
}

function isIn(value: unknown, values: ReadonlySet<Literal>): boolean {
  if (Array.isArray(value)) return value.some((one) => isIn(one, values));
  return (
    (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') &&
    values.has(value)
  );
}

function holdsExactly(value: unknown, wanted: Literal): boolean {
  if (Array.isArray(value)) return value.includes(wanted);
  return typeof value === 'string' && value.includes(String(wanted));
}

/** Anything but a letter or digit separates words, an underscore too. */
const wordsOf = (text: string) => text.split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** The wanted words stand side by side in one element, in letters of the same case. */
function holdsWords(value: unknown, wanted: string): boolean {
  if (Array.isArray(value)) return value.some((one) => holdsWords(one, wanted));
  if (typeof value !== 'string') return false;
  const words = wordsOf(wanted);
  const [first] = words;
  if (first === undefined) return value === wanted;
  if (!value.includes(first)) return false;
  const text = wordsOf(value);
  return text.some((_, at) => words.every((word, n) => text[at + n] === word));
}

/** The values one of which a field must have for the condition to hold; undefined when it does not depend on the field. */
export function requiredValues(condition: Condition | undefined, field: string): Set<Literal> | undefined {
  if (!condition) return undefined;
  switch (condition.kind) {
    case 'in':
      return condition.field === field ? condition.values : undefined;
    case 'compare':
      return condition.field === field && condition.operator === '=' ? new Set([condition.value]) : undefined;
    case 'and':
      return condition.terms.map((term) => requiredValues(term, field)).find((values) => values);
    case 'or':
      return union(condition.terms.map((term) => requiredValues(term, field)));
    default:
      return undefined;
  }
}

function union(all: (Set<Literal> | undefined)[]): Set<Literal> | undefined {
  const values = new Set<Literal>();
  for (const one of all) {
    if (!one) return undefined;
    for (const value of one) values.add(value);
  }
  return values;
}

export function project(document: Document, select: Select): Document {
  return select.kind === 'fields' ? pick(document, select.fields) : document;
}
