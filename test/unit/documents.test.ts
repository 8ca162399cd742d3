import { describe, expect, it } from 'vitest';
import { BadJson, parseJsonText } from '../../src/documents.ts';
import { findJsonFault } from '../../src/jsonFault.ts';
import { fc } from '../support/property.ts';

function refusalOf(text: string): string {
  try {
    parseJsonText(text, 'job.json');
  } catch (error) {
    if (error instanceof BadJson) return error.message;
    throw error;
  }
  throw new Error('The text was not refused');
}

describe('a JSON text', () => {
  it('may start with a byte order mark', () => {
    expect(parseJsonText('\ufeff{"name": "VIPs"}', 'job.json')).toEqual({ name: 'VIPs' });
  });

  it.each<[text: string, place: string, reason: string]>([
    ['', '(line 1, column 1)', 'the text ends early; expected a value'],
    ['{', '(line 1, column 2)', 'the text ends early; expected a name in double quotes or "}"'],
    ['{"a": 1,\n}', '(line 2, column 1)', 'expected a name in double quotes'],
    ['{"a": 1\r\n "b": 2}', '(line 2, column 2)', 'expected "," or "}"'],
    ['{\n  "é😀": hidden\n}', '(line 2, column 9)', 'expected a value'],
    ["{'a': 1}", '(line 1, column 2)', 'expected a name in double quotes or "}"'],
    ['{"a" 1}', '(line 1, column 6)', 'expected ":"'],
    ['[1 2]', '(line 1, column 4)', 'expected "," or "]"'],
    ['[1, 2', '(line 1, column 6)', 'the text ends early; expected "," or "]"'],
    ['[}', '(line 1, column 2)', 'expected a value or "]"'],
    ['{} {}', '(line 1, column 4)', 'expected the end of the document'],
    ['{"a": "hidden', '(line 1, column 14)', 'a string is not closed'],
    ['{"a": "hidden\n"}', '(line 1, column 14)', 'a string is not closed'],
    ['{"a": "C:\\hidden"}', '(line 1, column 10)', 'a string has an invalid escape sequence'],
    ['{"a": "\t"}', '(line 1, column 8)', 'a string has a control character'],
    ['{"a": 01}', '(line 1, column 8)', 'expected "," or "}"'],
    ['\ufeff{"a": x}', '(line 1, column 7)', 'expected a value'],
  ])('that is not valid is refused with the place: %j', (text, place, reason) => {
    expect(refusalOf(text)).toBe(`job.json is not valid JSON ${place}: ${reason}`);
  });

  it('in UTF-16 is refused with the fix', () => {
    const read = Buffer.from('\ufeff{"name": "VIPs"}', 'utf16le').toString('utf8');
    expect(refusalOf(read)).toBe('job.json is not valid JSON in UTF-8; save it as UTF-8');
  });

  const broken = fc
    .record({
      value: fc.jsonValue(),
      at: fc.nat(),
      removed: fc.nat({ max: 2 }),
      added: fc.string({ maxLength: 2 }),
    })
    .map(({ value, at, removed, added }) => {
      const text = JSON.stringify(value, null, 1);
      const start = at % (text.length + 1);
      return text.slice(0, start) + added + text.slice(start + removed);
    });
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  it('is invalid exactly when JSON.parse refuses it', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.oneof(broken, fc.string({ unit: fc.constantFrom(...'{}[],:"\\ 019.eE+-truefalsn') })),
        (text) => {
          expect(findJsonFault(text) === undefined).toBe(isJson(text));
          if (!isJson(text)) refused++;
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('reports its fault at or before the first invalid character', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        const cut = text.slice(0, at % text.length);
        expect(findJsonFault(`${cut}\u0001`)?.offset).toBeLessThanOrEqual(cut.length);
      }),
    );
  });

  it('may be nested deeply', () => {
    expect(findJsonFault('['.repeat(100_000))?.offset).toBe(100_000);
    expect(findJsonFault(`"${'a'.repeat(1_000_000)}`)?.offset).toBe(1_000_001);
  });
});
