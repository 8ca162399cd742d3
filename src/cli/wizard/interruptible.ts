import { confirm } from '@inquirer/prompts';
import { Interrupted, Refused, Unreachable } from '../errors.ts';
import { INTERRUPTED, onInterrupt } from '../interrupt.ts';

/** Ctrl-C while no prompt is active. */
export async function interruptible<T>(work: Promise<T>): Promise<T> {
  const interruption = onInterrupt();
  try {
    const first = await Promise.race([work, interruption.happened]);
    if (first === INTERRUPTED) throw new Interrupted();
    return first;
  } finally {
    interruption.release();
  }
}

/** Repeats a failing step until it succeeds; undefined when the user gives up. */
export async function withRetries<T>(step: () => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      return await interruptible(step());
    } catch (error) {
      if (!isExpected(error)) throw error;
      complain(error);
      if (!(await confirm({ message: 'Try again?', default: true }))) return undefined;
    }
  }
}

/** Errors that the user can fix while the wizard waits. */
export function isExpected(error: unknown): error is Refused | Unreachable {
  return error instanceof Refused || error instanceof Unreachable;
}

export function complain(error: Error): void {
  process.stderr.write(`✘ ${error.message}\n`);
}
