import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BareResult, BareRun } from './bareLoop.ts';

/** The bare loop in a process of its own, as the worker is. */
export interface BareLoop {
  readonly pid: number;
  run(run: BareRun): Promise<BareResult>;
  stop(): Promise<void>;
}

export function startBareLoop(): BareLoop {
  const child = fork(fileURLToPath(new URL('bareLoop.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    // Ctrl-C reaches a whole process group; the caller decides when it ends.
    detached: true,
  });
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    async run(run) {
      const answered = once(child, 'message');
      child.send(run);
      const [result]: BareResult[] = await Promise.race([
        answered,
        exited.then(([code]) => {
          throw new Error(`The bare loop failed (exit code ${code})`);
        }),
      ]);
      if (!result) throw new Error('The bare loop returned no result');
      return result;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
