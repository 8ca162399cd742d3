import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess } from './endWithThisProcess.ts';
import { nodeArgs } from './nodeArgs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** One of the project's programs, in a separate process. */
export interface Program {
  readonly pid: number;
  /** Standard output and standard error so far. */
  output(): string;
  /** Settles with the exit code; null when a signal ended the program. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<void>;
}

/** Runs a TypeScript program of this project; its environment is this process's and `env`. */
export function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [...nodeArgs(file), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C reaches a whole process group; the caller decides when this program ends.
    detached: true,
  });
  const written: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => written.push(String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => written.push(String(chunk)));
  return asProgram(child, () => written.join(''));
}

/** Starts a worker and waits until it is ready. */
export async function startWorker(env: NodeJS.ProcessEnv, file = 'src/worker.ts'): Promise<Program> {
  const child = spawn(process.execPath, nodeArgs(file), {
    cwd: ROOT,
    env: { ...process.env, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const written: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => written.push(String(chunk)));
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      written.push(`${line}\n`);
      if (line.includes('The worker is ready')) resolve();
    });
  });
  const program = asProgram(child, () => written.join(''));
  await Promise.race([
    ready,
    program.exited.then((code) => {
      throw new Error(`The worker ended before it was ready (exit code ${code}):\n${program.output()}`);
    }),
  ]);
  return program;
}

function asProgram(child: ChildProcess, output: () => string): Program {
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  if (child.pid !== undefined) endWithThisProcess(child.pid, exited);
  return {
    pid: child.pid ?? 0,
    output,
    exited,
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
