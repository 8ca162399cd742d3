import { findJsonFault } from './jsonFault.ts';

/** A text is not JSON. The message has the line and column, and quotes nothing of the text. */
export class BadJson extends Error {
  override readonly name = 'BadJson';
}

/**
 * Parses JSON that a person wrote: the job document, the authorizations file. A byte order mark is skipped.
 *
 * @param what Names the text in the message: `job.json`, `The authorizations file …`.
 * @throws {BadJson} such as `job.json is not valid JSON (line 3, column 14): expected "," or "}"`.
 */
export function parseJsonText(text: string, what: string): unknown {
  const json = text.replace(/^\ufeff/, '');
  try {
    return JSON.parse(json);
  } catch {
    throw new BadJson(`${what} is not valid JSON ${describeFault(json)}`);
  }
}

function describeFault(json: string): string {
  // UTF-16 that was read as UTF-8, such as a file that Windows PowerShell wrote.
  if (json.includes('\u0000')) return 'in UTF-8; save it as UTF-8';
  const { offset, reason } = findJsonFault(json) ?? { offset: 0, reason: 'it cannot be parsed' };
  const lines = json.slice(0, offset).split(/\r\n|\r|\n/);
  const column = [...(lines.at(-1) ?? '')].length + 1;
  return `(line ${lines.length}, column ${column}): ${reason}`;
}
