/**
 * The SQL-like language of accounts.search and ds.search, as far as SAP documents it: strings in double
 * quotes, `= > >= < <= != and or not contains in() is null`, START, LIMIT, ORDER BY.
 */
export type Condition =
  | { kind: 'and' | 'or'; terms: Condition[] }
  | { kind: 'not'; term: Condition }
  | { kind: 'compare'; field: string; operator: Operator; value: Literal }
  | { kind: 'contains'; field: string; value: Literal }
  | { kind: 'in'; field: string; values: Set<Literal> }
  | { kind: 'null'; field: string };

export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<=';
export type Literal = string | number | boolean;

export type Query = {
  select: { kind: 'all' } | { kind: 'count' } | { kind: 'fields'; fields: string[] };
  from: string;
  where?: Condition;
  orderBy: { field: string; descending: boolean }[];
  start: number;
  limit?: number;
};

export type Document = Readonly<Record<string, unknown>>;

export class QueryError extends Error {
  override name = 'QueryError';
}

type Token = { kind: 'name' | 'string' | 'number' | 'mark' | 'end'; text: string };

const token =
  /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_][\w.-]*)|(>=|<=|!=|[=<>(),*]))/y;
const escapes: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (whole, code?: string, letter?: string) => {
    if (code) return String.fromCharCode(Number.parseInt(code, 16));
    const meant = escapes[letter ?? ''];
    if (meant === undefined) throw new QueryError(`unknown escape ${whole}`);
    return meant;
  });
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new QueryError(`unexpected ${text.slice(at, at + 12).trim()} at ${at}`);
    const [, string, number, name, mark] = found;
    if (string !== undefined) tokens.push({ kind: 'string', text: unescaped(string) });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens;
}

const isOperator = (text: string): text is Operator => ['=', '!=', '>', '>=', '<', '<='].includes(text);
const reserved = new Set([
  'select',
  'from',
  'where',
  'and',
  'or',
  'not',
  'contains',
  'in',
  'is',
  'null',
  'order',
  'by',
  'limit',
  'start',
]);

export function parseQuery(text: string): Query {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): Token => tokens[at] ?? { kind: 'end', text: 'the end' };
  const isName = (name: string) => peek().kind === 'name' && peek().text.toLowerCase() === name;
  const skipName = (name: string) => {
    const is = isName(name);
    if (is) at++;
    return is;
  };
  const skipMark = (mark: string) => {
    const is = peek().kind === 'mark' && peek().text === mark;
    if (is) at++;
    return is;
  };
  const fail = (wanted: string): never => {
    throw new QueryError(`expected ${wanted}, got ${peek().text}`);
  };
  const needName = (name: string) => skipName(name) || fail(name.toUpperCase());
  const needMark = (mark: string) => skipMark(mark) || fail(mark);
  const field = (): string => {
    const { kind, text: name } = peek();
    if (kind !== 'name' || reserved.has(name.toLowerCase())) return fail('a field');
    at++;
    return name;
  };
  const integer = (): number => {
    const { kind, text: digits } = peek();
    if (kind !== 'number' || !/^\d+$/.test(digits)) return fail('a whole number');
    at++;
    return Number(digits);
  };
  const literal = (): Literal => {
    const { kind, text: value } = peek();
    if (kind === 'string') at++;
    else if (kind === 'number') {
      at++;
      return Number(value);
    } else if (isName('true') || isName('false')) {
      at++;
      return value.toLowerCase() === 'true';
    } else fail('a value (strings stand in double quotes)');
    return value;
  };

  const condition = (): Condition => {
    const terms = [conjunction()];
    while (skipName('or')) terms.push(conjunction());
    const [only] = terms;
    return terms.length === 1 && only ? only : { kind: 'or', terms };
  };
  const conjunction = (): Condition => {
    const terms = [factor()];
    while (skipName('and')) terms.push(factor());
    const [only] = terms;
    return terms.length === 1 && only ? only : { kind: 'and', terms };
  };
  const factor = (): Condition => {
    if (skipName('not')) return { kind: 'not', term: factor() };
    if (skipMark('(')) {
      const inner = condition();
      needMark(')');
      return inner;
    }
    const name = field();
    const { kind, text: operator } = peek();
    if (kind === 'mark' && isOperator(operator)) {
      at++;
      return { kind: 'compare', field: name, operator, value: literal() };
    }
    if (skipName('is')) {
      const not = skipName('not');
      needName('null');
      return not ? { kind: 'not', term: { kind: 'null', field: name } } : { kind: 'null', field: name };
    }
    const not = skipName('not');
    const plain = ((): Condition => {
      if (skipName('contains')) return { kind: 'contains', field: name, value: literal() };
      if (!skipName('in')) return fail('an operator');
      needMark('(');
      const values = new Set([literal()]);
      while (skipMark(',')) values.add(literal());
      needMark(')');
      return { kind: 'in', field: name, values };
    })();
    return not ? { kind: 'not', term: plain } : plain;
  };

  needName('select');
  const select = ((): Query['select'] => {
    if (skipMark('*')) return { kind: 'all' };
    if (isName('count') && tokens[at + 1]?.text === '(') {
      at += 2;
      needMark('*');
      needMark(')');
      return { kind: 'count' };
    }
    const fields = [field()];
    while (skipMark(',')) fields.push(field());
    return { kind: 'fields', fields };
  })();
  needName('from');
  const query: Query = { select, from: field(), orderBy: [], start: 0 };
  if (skipName('where')) query.where = condition();
  if (skipName('order')) {
    needName('by');
    do {
      const name = field();
      const descending = skipName('desc');
      if (!descending) skipName('asc');
      query.orderBy.push({ field: name, descending });
    } while (skipMark(','));
  }
  while (peek().kind !== 'end') {
    if (skipName('limit')) query.limit = integer();
    else if (skipName('start')) query.start = integer();
    else fail('START, LIMIT or the end');
  }
  return query;
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

export function read(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const step of path.split('.')) {
    if (!isRecord(value)) return undefined;
    value = value[step];
  }
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

export function matches(document: Document, condition: Condition): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.terms.every((term) => matches(document, term));
    case 'or':
      return condition.terms.some((term) => matches(document, term));
    case 'not':
      return !matches(document, condition.term);
    case 'compare':
      return compare(read(document, condition.field), condition.operator, condition.value);
    case 'in': {
      const value = read(document, condition.field);
      const has = (one: unknown) =>
        (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') &&
        condition.values.has(one);
      return Array.isArray(value) ? value.some(has) : has(value);
    }
    case 'contains': {
      const value = read(document, condition.field);
      if (Array.isArray(value)) return value.includes(condition.value);
      return typeof value === 'string' && value.includes(String(condition.value));
    }
    case 'null': {
      const value = read(document, condition.field);
      return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    }
  }
}

/** The values a field must have one of for the condition to hold at all; undefined when it says nothing of it. */
export function requiredValues(condition: Condition | undefined, field: string): Set<Literal> | undefined {
  if (!condition) return undefined;
  if (condition.kind === 'in' && condition.field === field) return condition.values;
  if (condition.kind === 'compare' && condition.field === field && condition.operator === '=')
    return new Set([condition.value]);
  if (condition.kind === 'and') {
    for (const term of condition.terms) {
      const values = requiredValues(term, field);
      if (values) return values;
    }
  }
  if (condition.kind === 'or') {
    const all = condition.terms.map((term) => requiredValues(term, field));
    const union = new Set<Literal>();
    for (const values of all) {
      if (!values) return undefined;
      for (const value of values) union.add(value);
    }
    return union;
  }
  return undefined;
}

/** Only the selected fields, nested as in the document; a field the document lacks stays out. */
export function project(document: Document, select: Query['select']): Document {
  if (select.kind !== 'fields') return document;
  const result: Record<string, unknown> = {};
  for (const path of select.fields) {
    const value = read(document, path);
    if (value === undefined) continue;
    const steps = path.split('.');
    const last = steps.pop() ?? path;
    let target = result;
    for (const step of steps) {
      const inner = target[step];
      const next = isRecord(inner) ? { ...inner } : {};
      target[step] = next;
      target = next;
    }
    target[last] = value;
  }
  return result;
}

export function sort(documents: Document[], orderBy: Query['orderBy']): Document[] {
  if (orderBy.length === 0) return documents;
  const rank = (value: unknown) => (typeof value === 'number' ? value : String(value ?? ''));
  return documents.sort((a, b) => {
    for (const { field, descending } of orderBy) {
      const [x, y] = [rank(read(a, field)), rank(read(b, field))];
      if (x === y) continue;
      return x < y !== descending ? -1 : 1;
    }
    return 0;
  });
}
