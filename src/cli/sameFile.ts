import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Whether two paths name one file, which need not exist yet. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  return (await realPath(one)) === (await realPath(other));
}

/** The worker's authorizations file, as far as this machine knows. */
export function authorizationsPath(): string {
  return resolve(process.env['AUTHORIZATIONS_FILE'] || 'authorizations.json');
}

/** Follows links, also for a file that does not exist yet. */
async function realPath(path: string): Promise<string> {
  const full = resolve(path);
  return realpath(full).catch(async () =>
    join(await realpath(dirname(full)).catch(() => dirname(full)), basename(full)),
  );
}
