import type { Order } from './documents.ts';
import { QueryError, type Token, tokenize } from './queryTokens.ts';

/**
 * The SQL-like language of accounts.search and ds.search, as far as SAP documents it:
 * `= > >= < <= != and or not contains in() is null`, START, LIMIT, ORDER BY.
 */
export type Condition =
  | { kind: 'and' | 'or'; terms: Condition[] }
  | { kind: 'not'; term: Condition }
  | { kind: 'compare'; field: string; operator: Operator; value: Literal }
  | { kind: 'contains'; field: string; value: Literal }
  | { kind: 'in'; field: string; values: Set<Literal> }
  | { kind: 'null'; field: string };

const operators = ['=', '!=', '>', '>=', '<', '<='] as const;
export type Operator = (typeof operators)[number];
export type Literal = string | number | boolean;

export type Select = { kind: 'all' } | { kind: 'count' } | { kind: 'fields'; fields: string[] };

export type Query = {
  select: Select;
  from: string;
  where?: Condition;
  orderBy: Order[];
  start: number;
  limit?: number;
};

const reserved = new Set('select from where and or not contains in is null order by limit start'.split(' '));

class QueryParser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  query(): Query {
    this.#needName('select');
    const select = this.#select();
    this.#needName('from');
    const query: Query = { select, from: this.#field(), orderBy: [], start: 0 };
    if (this.#skipName('where')) query.where = this.#condition();
    if (this.#skipName('order')) query.orderBy = this.#orderBy();
    while (this.#next().kind !== 'end') {
      if (this.#skipName('limit')) query.limit = this.#integer();
      else if (this.#skipName('start')) query.start = this.#integer();
      else this.#fail('START, LIMIT or the end');
    }
    return query;
  }

  #select(): Select {
    if (this.#skipMark('*')) return { kind: 'all' };
    if (this.#isName('count') && this.#tokens[this.#at + 1]?.text === '(') {
      this.#at += 2;
      this.#needMark('*');
      this.#needMark(')');
      return { kind: 'count' };
    }
    const fields = [this.#field()];
    while (this.#skipMark(',')) fields.push(this.#field());
    return { kind: 'fields', fields };
  }

  #orderBy(): Order[] {
    this.#needName('by');
    const orders: Order[] = [];
    do {
      const field = this.#field();
      const descending = this.#skipName('desc');
      if (!descending) this.#skipName('asc');
      orders.push({ field, descending });
    } while (this.#skipMark(','));
    return orders;
  }

  #condition(): Condition {
    return this.#joined('or', () => this.#joined('and', () => this.#factor()));
  }

  #joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const first = part();
    const terms = [first];
    while (this.#skipName(kind)) terms.push(part());
    return terms.length === 1 ? first : { kind, terms };
  }

  #factor(): Condition {
    if (this.#skipName('not')) return { kind: 'not', term: this.#factor() };
    if (this.#skipMark('(')) {
      const inner = this.#condition();
      this.#needMark(')');
      return inner;
    }
    return this.#comparison(this.#field());
  }

  #comparison(field: string): Condition {
    const operator = operators.find((one) => this.#isMark(one));
    if (operator) {
      this.#at++;
      return { kind: 'compare', field, operator, value: this.#literal() };
    }
    if (this.#skipName('is')) {
      const not = this.#skipName('not');
      this.#needName('null');
      return not ? { kind: 'not', term: { kind: 'null', field } } : { kind: 'null', field };
    }
    const not = this.#skipName('not');
    const plain = this.#membership(field);
    return not ? { kind: 'not', term: plain } : plain;
  }

  #membership(field: string): Condition {
    if (this.#skipName('contains')) return { kind: 'contains', field, value: this.#literal() };
    if (!this.#skipName('in')) return this.#fail('an operator');
    this.#needMark('(');
    const values = new Set([this.#literal()]);
    while (this.#skipMark(',')) values.add(this.#literal());
    this.#needMark(')');
    return { kind: 'in', field, values };
  }

  #field(): string {
    const { kind, text } = this.#next();
    if (kind !== 'name' || reserved.has(text.toLowerCase())) return this.#fail('a field');
    this.#at++;
    return text;
  }

  #integer(): number {
    const { kind, text } = this.#next();
    if (kind !== 'number' || !/^\d+$/.test(text)) return this.#fail('a whole number');
    this.#at++;
    return Number(text);
  }

  #literal(): Literal {
    const { kind, text } = this.#next();
    const isBoolean = this.#isName('true') || this.#isName('false');
    if (kind !== 'string' && kind !== 'number' && !isBoolean)
      return this.#fail('a value (a string stands in quotes)');
    this.#at++;
    if (kind === 'string') return text;
    return kind === 'number' ? Number(text) : text.toLowerCase() === 'true';
  }

  #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'the end' };
  }

  #isName(name: string): boolean {
    const { kind, text } = this.#next();
    return kind === 'name' && text.toLowerCase() === name;
  }

  #isMark(mark: string): boolean {
    const { kind, text } = this.#next();
    return kind === 'mark' && text === mark;
  }

  #skipName(name: string): boolean {
    const is = this.#isName(name);
    if (is) this.#at++;
    return is;
  }

  #skipMark(mark: string): boolean {
    const is = this.#isMark(mark);
    if (is) this.#at++;
    return is;
  }

  #needName(name: string): void {
    if (!this.#skipName(name)) this.#fail(name.toUpperCase());
  }

  #needMark(mark: string): void {
    if (!this.#skipMark(mark)) this.#fail(mark);
  }

  #fail(wanted: string): never {
    throw new QueryError(`expected ${wanted}, got ${this.#next().text}`);
  }
}

export function parseQuery(text: string): Query {
  return new QueryParser(text).query();
}

export function fieldsOf(query: Query): string[] {
  const inCondition = (condition: Condition): string[] => {
    if ('terms' in condition) return condition.terms.flatMap(inCondition);
    if ('term' in condition) return inCondition(condition.term);
    return [condition.field];
  };
  return [
    ...(query.select.kind === 'fields' ? query.select.fields : []),
    ...(query.where ? inCondition(query.where) : []),
    ...query.orderBy.map(({ field }) => field),
  ];
}
