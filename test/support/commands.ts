import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { nodeArgs } from '../../scripts/nodeArgs.ts';
import { findTemporalCli } from '../../scripts/temporalCli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command in the checkout with pipes and waits for its end. `input` is its standard input. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
}

/** The project's client program. */
export function client(args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<Ended> {
  return run(process.execPath, [...nodeArgs('src/client.ts'), ...args], env, input);
}

/** Temporal's own CLI. */
export async function temporal(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return run(await findTemporalCli(), args, env);
}
