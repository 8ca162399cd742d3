/** Where a text stops being JSON, and what was expected there. */
export interface JsonFault {
  offset: number;
  reason: string;
}

type Expected = keyof typeof REASONS;
type Open = '{' | '[';

const REASONS = {
  value: 'expected a value',
  elementOrClose: 'expected a value or "]"',
  name: 'expected a name in double quotes',
  nameOrClose: 'expected a name in double quotes or "}"',
  colon: 'expected ":"',
  commaOrBrace: 'expected "," or "}"',
  commaOrBracket: 'expected "," or "]"',
  end: 'expected the end of the document',
};

// RFC 8259, sections 2, 6 and 7.
const SPACE = /[ \t\n\r]*/y;
const UNCLOSED_STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Finds where a text stops being JSON; undefined when it is JSON. `JSON.parse` reports a position only for
 * some errors and quotes the text around others, which may be a secret; this quotes nothing.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: Open[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset;
    const isThere = pattern.test(text);
    if (isThere) offset = pattern.lastIndex;
    return isThere;
  };
  for (;;) {
    skip(SPACE);
    const mark = text[offset];
    if (mark === undefined) {
      return expected === 'end' ? undefined : { offset, reason: `the text ends early; ${REASONS[expected]}` };
    }
    const next = stepPast(mark, expected, open);
    if (next !== undefined) {
      offset++;
      expected = next;
    } else if (mark === '"' && (acceptsValue(expected) || acceptsName(expected))) {
      skip(UNCLOSED_STRING);
      if (text[offset] !== '"') return { offset, reason: faultInString(text[offset]) };
      offset++;
      expected = acceptsName(expected) ? 'colon' : afterValue(open);
    } else if (acceptsValue(expected) && skip(LITERAL)) {
      expected = afterValue(open);
    } else {
      return { offset, reason: REASONS[expected] };
    }
  }
}

/** What is expected after a bracket, a comma or a colon; undefined where it may not stand. */
function stepPast(mark: string, expected: Expected, open: Open[]): Expected | undefined {
  if ((mark === '{' || mark === '[') && acceptsValue(expected)) {
    open.push(mark);
    return mark === '{' ? 'nameOrClose' : 'elementOrClose';
  }
  const closesObject = mark === '}' && (expected === 'nameOrClose' || expected === 'commaOrBrace');
  const closesList = mark === ']' && (expected === 'elementOrClose' || expected === 'commaOrBracket');
  if (closesObject || closesList) {
    open.pop();
    return afterValue(open);
  }
  if (mark === ',' && expected === 'commaOrBrace') return 'name';
  if (mark === ',' && expected === 'commaOrBracket') return 'value';
  return mark === ':' && expected === 'colon' ? 'value' : undefined;
}

function afterValue(open: readonly Open[]): Expected {
  const inside = open.at(-1);
  if (inside === undefined) return 'end';
  return inside === '{' ? 'commaOrBrace' : 'commaOrBracket';
}

const acceptsValue = (expected: Expected) => expected === 'value' || expected === 'elementOrClose';

const acceptsName = (expected: Expected) => expected === 'name' || expected === 'nameOrClose';

function faultInString(mark: string | undefined): string {
  if (mark === '\\') return 'a string has an invalid escape sequence';
  if (mark === undefined || mark === '\n' || mark === '\r') return 'a string is not closed';
  return 'a string has a control character';
}
