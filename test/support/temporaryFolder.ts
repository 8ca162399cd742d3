import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished as afterThisTest } from 'vitest';

/** A folder that is deleted after the test. Concurrent tests pass their own `onTestFinished`. */
export function temporaryFolder(onTestFinished = afterThisTest): string {
  const folder = mkdtempSync(join(tmpdir(), 'gigya-export-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
