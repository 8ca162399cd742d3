import { spawn } from 'node:child_process';

/**
 * Ends `pid` when this process is gone, even by SIGKILL, of which no handler here would learn: a shell waits for the
 * end of a pipe that only this process holds open.
 */
export function endWithThisProcess(pid: number, exited: Promise<unknown>): void {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  // Ended first when the program ends by itself: its pid may come to be another's.
  exited.then(() => watcher.kill('SIGKILL'));
}
