/** A line of CSV as RFC 4180 defines it, with cells that a spreadsheet does not take for formulas. */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map((cell) => quoted(harmless(String(cell ?? '')))).join(',')}\r\n`;
}

/**
 * Spreadsheets run cells that begin with one of these, also in their full-width forms and after blanks. An
 * apostrophe makes them text, as OWASP advises ("CSV Injection").
 */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

function harmless(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
