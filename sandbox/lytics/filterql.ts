import { type LyticsState, type Row, valuesOf } from './state.ts';

/**
 * The part of FilterQL that an ad-hoc scan of members needs:
 * `FILTER AND (INCLUDE vip, gy_profile_id IN ("a","b")) FROM user`.
 */
export type Filter =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; terms: Filter[] }
  | { kind: 'not'; term: Filter }
  | { kind: 'include'; audience: string }
  | { kind: 'exists'; field: string }
  | { kind: 'in'; field: string; values: string[] };

export class FilterError extends Error {
  override name = 'FilterError';
}

type Token = { kind: 'word' | 'string' | 'quoted' | 'punctuation' | 'end'; text: string };

const token = /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|`([^`]*)`|([\w.:-]+)|([(),=*]|!=))/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new FilterError(`unexpected "${text.slice(at, at + 12).trim()}" at ${at}`);
    const [, double, single, back, word, punctuation] = found;
    const string = double ?? single;
    if (string !== undefined) tokens.push({ kind: 'string', text: string.replace(/\\([\s\S])/g, '$1') });
    else if (back !== undefined) tokens.push({ kind: 'quoted', text: back });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'punctuation', text: punctuation ?? '' });
  }
  return tokens;
}

export function parseFilter(text: string): Filter {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): Token => tokens[at] ?? { kind: 'end', text: 'end of text' };
  const take = (): Token => {
    const next = peek();
    at++;
    return next;
  };
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toUpperCase() === word;
  const skipWord = (word: string) => {
    const is = isWord(word);
    if (is) at++;
    return is;
  };
  const isMark = (mark: string) => peek().kind === 'punctuation' && peek().text === mark;
  const skipMark = (mark: string) => {
    const is = isMark(mark);
    if (is) at++;
    return is;
  };
  const expect = (mark: string) => {
    if (!skipMark(mark)) throw new FilterError(`expected "${mark}", got "${peek().text}"`);
  };
  const identifier = (): string => {
    const next = take();
    if (next.kind === 'word' || next.kind === 'quoted') return next.text;
    throw new FilterError(`expected a name, got "${next.text}"`);
  };
  const value = (): string => {
    const next = take();
    if (next.kind === 'string' || (next.kind === 'word' && /^-?\d+(\.\d+)?$/.test(next.text)))
      return next.text;
    throw new FilterError(`expected a value in quotes, got "${next.text}"`);
  };
  const group = (): Filter[] => {
    expect('(');
    const terms = [infix()];
    while (skipMark(',')) terms.push(infix());
    expect(')');
    return terms;
  };
  const term = (): Filter => {
    if (skipWord('AND')) return { kind: 'and', terms: group() };
    if (skipWord('OR')) return { kind: 'or', terms: group() };
    if (skipWord('NOT')) return { kind: 'not', term: term() };
    if (skipWord('EXISTS')) return { kind: 'exists', field: identifier() };
    if (skipWord('INCLUDE')) {
      const next = take();
      if (next.kind === 'punctuation' || next.kind === 'end')
        throw new FilterError('INCLUDE needs an audience');
      return { kind: 'include', audience: next.text };
    }
    if (skipMark('*')) return { kind: 'all' };
    if (isMark('(')) {
      const [only, ...more] = group();
      if (!only || more.length > 0) throw new FilterError('a list needs AND or OR before it');
      return only;
    }
    const field = identifier();
    if (skipMark('=')) return { kind: 'in', field, values: [value()] };
    if (skipMark('!=')) return { kind: 'not', term: { kind: 'in', field, values: [value()] } };
    const negated = skipWord('NOT');
    if (!skipWord('IN')) throw new FilterError(`expected =, != or IN after ${field}, got "${peek().text}"`);
    expect('(');
    const values = [value()];
    while (skipMark(',')) values.push(value());
    expect(')');
    const within: Filter = { kind: 'in', field, values };
    return negated ? { kind: 'not', term: within } : within;
  };
  const infix = (): Filter => {
    let left = term();
    while (isWord('AND') || isWord('OR')) {
      const kind = take().text.toUpperCase() === 'AND' ? 'and' : 'or';
      left = { kind, terms: [left, term()] };
    }
    return left;
  };

  if (!skipWord('FILTER')) throw new FilterError(`expected FILTER, got "${peek().text}"`);
  const filter = infix();
  if (skipWord('FROM') && identifier() !== 'user') throw new FilterError('only FROM user');
  if (peek().kind !== 'end') throw new FilterError(`unexpected "${peek().text}"`);
  return filter;
}

/** Fails on an audience that does not exist; there is no telling "nobody" from a typing error otherwise. */
function check(state: LyticsState, filter: Filter): void {
  if (filter.kind === 'and' || filter.kind === 'or') for (const term of filter.terms) check(state, term);
  else if (filter.kind === 'not') check(state, filter.term);
  else if (filter.kind === 'include' && !state.audience(filter.audience))
    throw new FilterError(`unknown audience ${filter.audience}`);
}

function holds(state: LyticsState, filter: Filter, row: Row): boolean {
  switch (filter.kind) {
    case 'all':
      return true;
    case 'and':
      return filter.terms.every((term) => holds(state, term, row));
    case 'or':
      return filter.terms.some((term) => holds(state, term, row));
    case 'not':
      return !holds(state, filter.term, row);
    case 'include':
      return state.members(state.audience(filter.audience)?.id ?? '').has(row.key);
    case 'exists':
      return valuesOf(row.fields[filter.field]).length > 0;
    case 'in':
      return valuesOf(row.fields[filter.field]).some((value) => filter.values.includes(value));
  }
}

/** The rows that can hold at all, from the smallest index at hand; undefined is all of them. */
function candidates(state: LyticsState, filter: Filter): Set<number> | undefined {
  if (filter.kind === 'in')
    return new Set(filter.values.flatMap((value) => state.find(filter.field, value).map((row) => row.key)));
  if (filter.kind === 'include') return new Set(state.members(state.audience(filter.audience)?.id ?? ''));
  if (filter.kind !== 'and') return undefined;
  const byValue = filter.terms.filter((term) => term.kind === 'in' || term.kind === 'and');
  for (const term of [...byValue, ...filter.terms]) {
    const found = candidates(state, term);
    if (found) return found;
  }
  return undefined;
}

export function runFilter(state: LyticsState, filter: Filter): number[] {
  check(state, filter);
  const keys: number[] = [];
  for (const key of candidates(state, filter) ?? state.rows.keys()) {
    const row = state.rows.get(key);
    if (row && holds(state, filter, row)) keys.push(key);
  }
  return keys;
}
