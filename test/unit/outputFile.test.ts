import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { assertWritable } from '../../src/cli/rows/outputFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('a result overwrites neither the authorizations nor what the command reads, whatever the path', async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  vi.stubEnv('AUTHORIZATIONS_FILE', at('secrets.json'));
  await writeFile(at('job.json'), '{}');
  await symlink(at('job.json'), at('link.json'));
  for (const name of ['secrets.json', 'job.json', 'link.json']) {
    await expect(assertWritable(at(name), [at('job.json')])).rejects.toThrow('would be overwritten');
  }
  await expect(assertWritable(at('plan.jsonl'), [at('job.json')])).resolves.toBeUndefined();
});
