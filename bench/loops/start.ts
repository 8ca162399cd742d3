import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoopResult, LoopRun } from './loop.ts';

/** A loop in a process of its own, as the worker is. */
export interface Loop {
  readonly pid: number;
  run(run: LoopRun): Promise<LoopResult>;
  stop(): Promise<void>;
}

export function startLoop(file: 'bareLoop.ts' | 'gigyaPackage.ts', env: NodeJS.ProcessEnv = {}): Loop {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...env },
    // Ctrl-C reaches a whole process group; the caller decides when it ends.
    detached: true,
  });
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    async run(run) {
      const answered = once(child, 'message');
      child.send(run);
      const [result]: LoopResult[] = await Promise.race([
        answered,
        exited.then(([code]) => {
          throw new Error(`The loop of ${file} failed (exit code ${code})`);
        }),
      ]);
      if (!result) throw new Error(`The loop of ${file} returned no result`);
      return result;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
