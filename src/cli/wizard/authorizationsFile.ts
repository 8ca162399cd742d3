import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { parseJsonText } from '../../documents.ts';
import { UsageError } from '../errors.ts';

/** The names in the local file; empty when there is no file. */
export async function namesIn(file: string): Promise<string[]> {
  return Object.keys(parse(await read(file), file));
}

/** Adds an authorization to the file. @returns A function that restores the file. */
export async function saveAuthorization(
  file: string,
  name: string,
  authorization: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const before = await read(file);
  const entries = { ...parse(before, file), [name]: authorization };
  await writePrivately(file, `${JSON.stringify(entries, null, 2)}\n`);
  return () => (before === undefined ? rm(file) : writePrivately(file, before));
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new UsageError(`Cannot read the authorizations file ${file} (${error.code}); correct it`);
  });
}

function parse(text: string | undefined, file: string): Record<string, unknown> {
  const parsed = parseJsonText(text ?? '{}', `The authorizations file ${file}`);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new UsageError(`The authorizations file ${file} must hold a JSON object: {…}`);
}

/** The file is replaced atomically and is never readable by others. */
async function writePrivately(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}
