import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { nodeArgs } from '../../scripts/nodeArgs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8');

/** Programs that read their arguments in another file, or pass them on. */
const ELSEWHERE = ['src/client.ts', 'sandbox/main.ts', 'scripts/temporalCli.ts'];

const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts;
const programs = Object.values(scripts)
  .map((script) => /setup\.mjs (\S+\.ts)/.exec(script)?.[1])
  .filter((file) => file !== undefined && !ELSEWHERE.includes(file));

describe("npm's scripts", () => {
  it.each(programs)('%s reads its command line before it does anything: --help, unknown options', (file) => {
    expect(read(file ?? '')).toMatch(/new Command\('[^']+'\)[\s\S]+?\.parse\(\)/);
  });

  const devServer = (...args: string[]) =>
    promisify(execFile)(process.execPath, [...nodeArgs('scripts/devServer.ts'), ...args], { cwd: ROOT }).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => stderr,
    );

  it('dev-server has help, and one line for a wrong option or a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const [help, unknown, wrong, used] = await Promise.all([
      devServer('--help'),
      devServer('--bogus'),
      devServer('--port', 'abc'),
      devServer('--port', String(port)),
    ]);
    taken.close();
    expect(help).toMatch(/^Usage: npm run dev-server -- \[options\]\n/);
    expect(unknown).toBe("error: unknown option '--bogus'\n");
    expect(wrong).toMatch(/^error: option '--port <port>' argument 'abc' is invalid[^\n]*\n$/);
    expect(used).toBe(`Port ${port} is in use; choose another with --port or --ui-port\n`);
  });
});
