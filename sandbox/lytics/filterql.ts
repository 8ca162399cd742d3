import { FilterError, type Token, tokenize } from './filterqlTokens.ts';

export { FilterError };

/**
 * The part of FilterQL that an ad-hoc scan needs:
 * `FILTER AND (INCLUDE vip, gy_profile_id IN ("a","b")) FROM user`.
 */
export type Filter =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; terms: Filter[] }
  | { kind: 'not'; term: Filter }
  | { kind: 'include'; audience: string }
  | { kind: 'exists'; field: string }
  | { kind: 'in'; field: string; values: string[] };

class FilterParser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  filter(): Filter {
    if (!this.#skipWord('FILTER')) throw new FilterError(`expected FILTER, got "${this.#next().text}"`);
    const filter = this.#infix();
    if (this.#skipWord('FROM') && this.#identifier() !== 'user') throw new FilterError('only FROM user');
    if (this.#next().kind !== 'end') throw new FilterError(`unexpected "${this.#next().text}"`);
    return filter;
  }

  #infix(): Filter {
    let left = this.#term();
    while (this.#isWord('AND') || this.#isWord('OR')) {
      const kind = this.#take().text.toUpperCase() === 'AND' ? 'and' : 'or';
      left = { kind, terms: [left, this.#term()] };
    }
    return left;
  }

  #term(): Filter {
    if (this.#skipWord('AND')) return { kind: 'and', terms: this.#group() };
    if (this.#skipWord('OR')) return { kind: 'or', terms: this.#group() };
    if (this.#skipWord('NOT')) return { kind: 'not', term: this.#term() };
    if (this.#skipWord('EXISTS')) return { kind: 'exists', field: this.#identifier() };
    if (this.#skipWord('INCLUDE')) return this.#include();
    if (this.#skipMark('*')) return { kind: 'all' };
    if (this.#isMark('(')) {
      const [only, ...more] = this.#group();
      if (!only || more.length > 0) throw new FilterError('a list needs AND or OR before it');
      return only;
    }
    return this.#comparison(this.#identifier());
  }

  #group(): Filter[] {
    return this.#list(() => this.#infix());
  }

  #include(): Filter {
    const { kind, text } = this.#take();
    if (kind === 'punctuation' || kind === 'end') throw new FilterError('INCLUDE needs an audience');
    return { kind: 'include', audience: text };
  }

  #comparison(field: string): Filter {
    if (this.#skipMark('=') || this.#skipMark('==')) return { kind: 'in', field, values: [this.#value()] };
    if (this.#skipMark('!=')) return { kind: 'not', term: { kind: 'in', field, values: [this.#value()] } };
    const negated = this.#skipWord('NOT');
    if (!this.#skipWord('IN'))
      throw new FilterError(`expected =, != or IN after ${field}, got "${this.#next().text}"`);
    const within: Filter = { kind: 'in', field, values: this.#list(() => this.#value()) };
    return negated ? { kind: 'not', term: within } : within;
  }

  #list<T>(element: () => T): T[] {
    this.#expect('(');
    const elements = [element()];
    while (this.#skipMark(',')) elements.push(element());
    this.#expect(')');
    return elements;
  }

  #identifier(): string {
    const { kind, text } = this.#take();
    if (kind === 'word' || kind === 'quoted') return text;
    throw new FilterError(`expected a name, got "${text}"`);
  }

  #value(): string {
    const { kind, text } = this.#take();
    if (kind === 'string' || (kind === 'word' && /^-?\d+(\.\d+)?$/.test(text))) return text;
    throw new FilterError(`expected a value in quotes, got "${text}"`);
  }

  #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'end of text' };
  }

  #take(): Token {
    const next = this.#next();
    this.#at++;
    return next;
  }

  #isWord(word: string): boolean {
    const { kind, text } = this.#next();
    return kind === 'word' && text.toUpperCase() === word;
  }

  #isMark(mark: string): boolean {
    const { kind, text } = this.#next();
    return kind === 'punctuation' && text === mark;
  }

  #skipWord(word: string): boolean {
    const is = this.#isWord(word);
    if (is) this.#at++;
    return is;
  }

  #skipMark(mark: string): boolean {
    const is = this.#isMark(mark);
    if (is) this.#at++;
    return is;
  }

  #expect(mark: string): void {
    if (!this.#skipMark(mark)) throw new FilterError(`expected "${mark}", got "${this.#next().text}"`);
  }
}

export function parseFilter(text: string): Filter {
  return new FilterParser(text).filter();
}
