import { spawn } from 'node:child_process';

/**
 * Kills `pid` when this process ends, even by SIGKILL, which no handler sees: a shell waits for the end of a pipe that
 * only this process holds open.
 */
export function endWithThisProcess(pid: number, exited: Promise<unknown>): void {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  // When the program ends by itself, its pid may be reused.
  exited.then(() => watcher.kill('SIGKILL'));
}
