import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, inject, it, onTestFinished } from 'vitest';
import { unique } from '../support/temporal.ts';

it('SIGTERM to npm stops the worker, and npm waits for it', async () => {
  const npm = spawn('npm', ['run', 'worker'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TASK_QUEUE: unique('npm'),
      AUTHORIZATIONS_FILE: '/nowhere/authorizations.json',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
    // With a group of its own, so that nothing is left when this fails.
    detached: true,
  });
  onTestFinished(() => {
    try {
      if (npm.pid !== undefined) process.kill(-npm.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: npm.stdout })) {
    lines.push(line);
    if (line.includes('The worker is ready')) npm.kill('SIGTERM');
  }
  // The pipe closes when the last process that holds it ends.
  expect(lines.at(-1)).toContain('The worker has stopped');
  if (npm.exitCode === null && npm.signalCode === null) await once(npm, 'exit');
});
