/** Where a text stops being JSON, and what was expected there. */
export interface JsonFault {
  offset: number;
  reason: string;
}

type Expected = keyof typeof REASONS;

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
 * some faults and quotes the text around others, which may be a secret; this quotes nothing.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = offset;
    if (pattern.test(text)) offset = pattern.lastIndex;
  };
  const afterValue = (): Expected => {
    const inside = open.at(-1);
    if (inside === undefined) return 'end';
    return inside === '{' ? 'commaOrBrace' : 'commaOrBracket';
  };
  for (;;) {
    skip(SPACE);
    const start = offset;
    const mark = text[offset] ?? '';
    if (mark === '') {
      return expected === 'end' ? undefined : { offset, reason: `the text ends early; ${REASONS[expected]}` };
    }
    const acceptsValue: boolean = expected === 'value' || expected === 'elementOrClose';
    const acceptsName: boolean = expected === 'name' || expected === 'nameOrClose';
    if (mark === '"' && (acceptsValue || acceptsName)) {
      skip(UNCLOSED_STRING);
      if (text[offset] !== '"') return { offset, reason: faultInString(text[offset]) };
      offset++;
      expected = acceptsName ? 'colon' : afterValue();
    } else if ((mark === '{' || mark === '[') && acceptsValue) {
      offset++;
      open.push(mark);
      expected = mark === '{' ? 'nameOrClose' : 'elementOrClose';
    } else if (
      (mark === '}' && (expected === 'nameOrClose' || expected === 'commaOrBrace')) ||
      (mark === ']' && (expected === 'elementOrClose' || expected === 'commaOrBracket'))
    ) {
      offset++;
      open.pop();
      expected = afterValue();
    } else if (mark === ',' && expected === 'commaOrBrace') {
      offset++;
      expected = 'name';
    } else if (mark === ',' && expected === 'commaOrBracket') {
      offset++;
      expected = 'value';
    } else if (mark === ':' && expected === 'colon') {
      offset++;
      expected = 'value';
    } else {
      if (acceptsValue) skip(LITERAL);
      if (offset === start) return { offset, reason: REASONS[expected] };
      expected = afterValue();
    }
  }
}

function faultInString(mark: string | undefined): string {
  if (mark === '\\') return 'a string has an invalid escape sequence';
  if (mark === undefined || mark === '\n' || mark === '\r') return 'a string is not closed';
  return 'a string has a control character';
}
