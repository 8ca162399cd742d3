import { writeFile } from 'node:fs/promises';
import { confirm, input } from '@inquirer/prompts';
import type { JobDocument } from '../../job.ts';
import { slugOf } from '../../names.ts';
import { isSameFile } from '../sameFile.ts';
import { complain } from './interruptible.ts';
import { notEmpty } from './validBy.ts';

/** Saves the document under a path from the user; asks before it overwrites a file. @returns The path, as typed. */
export async function saveDocument(document: JobDocument, authorizationsFile: string): Promise<string> {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const slug = slugOf(document.name);
  let suggestion = `${slug}.json`;
  for (;;) {
    const path = await input({
      message: 'Save the document as',
      default: suggestion,
      validate: notEmpty,
    });
    if (await isSameFile(path, authorizationsFile)) {
      complain(new Error(`${path} is the authorizations file; choose another name`));
      continue;
    }
    const error = await write(path, text);
    if (!error) return path;
    complain(error);
    // Not the file that the user wants to keep, such as package.json.
    suggestion = `${slug}-job.json`;
  }
}

/** @returns The reason why the file cannot be written. */
async function write(path: string, text: string): Promise<Error | undefined> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code !== 'EEXIST') return new Error(`Cannot write ${path} (${error.code})`);
  }
  if (!(await confirm({ message: `Overwrite ${path}?`, default: false }))) {
    return new Error(`${path} was kept; choose another name`);
  }
  try {
    await writeFile(path, text);
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return new Error(`Cannot write ${path} (${error.code})`);
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}
