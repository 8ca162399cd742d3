export class FilterError extends Error {
  override name = 'FilterError';
}

export type Token = { kind: 'word' | 'string' | 'quoted' | 'punctuation' | 'end'; text: string };

const token =
  /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|`([^`]*)`|([\w.:-]+)|(==|!=|[(),=*]))/y;

export function tokenize(text: string): Token[] {
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
