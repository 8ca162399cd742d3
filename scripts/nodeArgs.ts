import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Node's arguments that run a program of this project: its bundle where `BUNDLED_PROGRAMS` names a folder that has
 * it (the tests set this), else the source.
 */
export function nodeArgs(program: string): string[] {
  const folder = process.env['BUNDLED_PROGRAMS'];
  const bundled = folder && join(folder, program.replace(/\.ts$/, '.js'));
  if (bundled && existsSync(bundled)) return [bundled];
  return program.endsWith('.ts') ? ['--import', 'tsx', program] : [program];
}
