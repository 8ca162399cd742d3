import { csvParseRows } from 'd3-dsv';
import { describe, expect, it } from 'vitest';
import { csvLine } from '../../src/cli/rows/csv.ts';
import { readCsv } from '../support/csv.ts';
import { fc } from '../support/property.ts';

describe('a line of CSV', () => {
  it('comes back as it was, in two independent readers', () => {
    const cell = fc.string({ unit: fc.constantFrom(...'ab",;\r\n\t é|\'=+-@') });
    const lines = fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lines, (rows) => {
        const text = rows.map((row) => csvLine(row)).join('');
        // A cell that could be a formula has an apostrophe in front.
        const expected = rows.map((row) => row.map((one) => (isRisky(one) ? `'${one}` : one)));
        expect(readCsv(text)).toEqual(expected);
        expect(csvParseRows(text)).toEqual(expected);
      }),
    );
  });

  it('ends with CRLF, and quotes only what needs it', () => {
    expect(csvLine(['a', 'b c', 3, null, 'd,"e"'])).toBe('a,b c,3,,"d,""e"""\r\n');
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    ' =1',
    '\r\n=1',
    '＝1',
    '＠a',
    '=HYPERLINK("http://x","y")',
  ])('never starts a formula: %j', (text) => {
    const [[cell = ''] = []] = readCsv(csvLine([text, 'x']));
    expect(cell).toBe(`'${text}`);
  });
});

/** Written apart from the code that it checks. */
function isRisky(text: string): boolean {
  const first = text.trimStart().charAt(0);
  return (first !== '' && '=+-@＝＋－＠'.includes(first)) || ['\t', '\r', '\n'].includes(text.charAt(0));
}
