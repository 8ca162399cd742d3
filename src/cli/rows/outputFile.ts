import { access, constants, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../errors.ts';
import { authorizationsPath, isSameFile } from '../sameFile.ts';

/** Characters that are written at once. */
const CHUNK = 65_536;

/**
 * @param inputs Files that the command reads.
 * @throws {UsageError} when the file can't be written, or must not be, before any work is done for it.
 */
export async function assertWritable(path: string, inputs: readonly string[] = []): Promise<void> {
  for (const kept of [authorizationsPath(), ...inputs]) {
    if (await isSameFile(path, kept))
      throw new UsageError(`${path} would be overwritten; choose another file`);
  }
  await access(dirname(path), constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot write ${path} (${error.code}); check the path`);
  });
}

/** Writes a file that holds users' data: mode 600, and under its name only once it is whole. */
export async function writeWhole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const part = `${path}.part`;
  await rm(part, { force: true });
  const file = await open(part, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot write ${path} (${error.code}); check the path`);
  });
  try {
    await write(file);
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
}

/** Joins texts, so that few large ones are written. */
export async function* inChunks(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = '';
  for await (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
