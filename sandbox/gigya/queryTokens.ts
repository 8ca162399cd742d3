export class QueryError extends Error {
  override name = 'QueryError';
}

export type Token = { kind: 'name' | 'string' | 'number' | 'mark' | 'end'; text: string };

/** Strings stand in double quotes; Gigya takes single quotes as well. */
const token =
  /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_][\w.-]*)|(>=|<=|!=|[=<>(),*]))/y;

const escapes: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  "'": "'",
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

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new QueryError(`unexpected ${text.slice(at, at + 12).trim()} at ${at}`);
    const [, double, single, number, name, mark] = found;
    const string = double ?? single;
    if (string !== undefined) tokens.push({ kind: 'string', text: unescaped(string) });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens;
}
