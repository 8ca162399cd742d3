import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox } from '../../../sandbox/client.ts';
import { nodeArgs } from '../../../scripts/nodeArgs.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  file = join(folder, 'authorizations.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs the command until it ends, and returns how it did. */
async function refused(...more: string[]): Promise<{ code: unknown; stderr: string }> {
  const switches = ['--users', '1', '--authorizations', file, '--with-parent', ...more];
  const child = spawn(process.execPath, [...nodeArgs('sandbox/main.ts'), ...switches], { cwd: root });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.on('data', () => child.stdin.end());
  const [code] = await once(child, 'close');
  return { code, stderr };
}

const secrets = {
  lytics: { provider: 'lytics', token: 'real' },
  gigya: { provider: 'gigya', api_key: '3_real', base_url: 'http://127.0.0.1:8080' },
};

test.each([
  ['real credentials', JSON.stringify(secrets)],
  ['something else', 'not JSON'],
  ['a list', '[]'],
])('a file with %s is refused and unchanged', async (_, text) => {
  writeFileSync(file, text);
  const { code, stderr } = await refused();
  expect(code).toBe(1);
  expect(stderr).toContain(`${file} exists and no sandbox wrote it`);
  expect(stderr).toContain('--force');
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test("a sandbox's file with a user's own entry is refused", async () => {
  await (await startSandbox({ users: 1, authorizations: file })).stop();
  const written: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...written, mine: { provider: 'gigya', secret_key: 'real' } }));
  expect((await refused()).code).toBe(1);
});

test('with force it is overwritten and readable only by its owner', async () => {
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o644 });
  const sandbox = await startSandbox({ users: 1, authorizations: file, force: true });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(sandbox.authorizations);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await sandbox.stop();
});

test('a file written by a sandbox is overwritten by the next one', async () => {
  const first = await startSandbox({ users: 1, authorizations: file });
  await first.stop();
  const second = await startSandbox({ users: 1, seed: 2, authorizations: file });
  expect(second.authorizations.lytics.token).not.toBe(first.authorizations.lytics.token);
  await second.stop();
});
