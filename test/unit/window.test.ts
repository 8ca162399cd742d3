import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Window } from '../../src/workflows/window.ts';

// Outside of a workflow nobody re-checks a condition: here it is looked at again and again.
vi.mock('@temporalio/workflow', () => ({
  async condition(isMet: () => boolean) {
    while (!isMet()) await setImmediate();
  },
}));

/** A piece of work that ends when it is told to. */
function piece() {
  let end: (() => void) | undefined;
  let fail: ((reason: Error) => void) | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  let isBegun = false;
  return {
    work: () => {
      isBegun = true;
      return ended;
    },
    isBegun: () => isBegun,
    end: () => end?.(),
    fail: (reason: Error) => fail?.(reason),
  };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const note = () => {
    isSettled = true;
  };
  promise.then(note, note);
  for (let n = 0; n < 5; n++) await setImmediate();
  return isSettled;
}

describe('a window', () => {
  it('starts as much work as it has room for, and more when one part has ended', async () => {
    const window = new Window(() => 2);
    const [one, two, three] = [piece(), piece(), piece()];
    await window.add(one.work);
    await window.add(two.work);
    const third = window.add(three.work);
    expect(await settled(third)).toBe(false);
    expect(three.isBegun()).toBe(false);
    one.end();
    await third;
    expect(three.isBegun()).toBe(true);
  });

  it('gives room for one to one, although several wait for it', async () => {
    const window = new Window(() => 1);
    const [one, two, three] = [piece(), piece(), piece()];
    await window.add(one.work);
    const [second, third] = [window.add(two.work), window.add(three.work)];
    one.end();
    await second;
    expect(await settled(third)).toBe(false);
    expect(three.isBegun()).toBe(false);
    two.end();
    await third;
    expect(three.isBegun()).toBe(true);
  });

  it('is drained when all is done', async () => {
    const window = new Window(() => 3);
    const [one, two] = [piece(), piece()];
    await window.add(one.work);
    await window.add(two.work);
    const drained = window.drain();
    one.end();
    expect(await settled(drained)).toBe(false);
    two.end();
    await drained;
  });

  it('throws the error of earlier work at the next call, and starts no more work', async () => {
    const window = new Window(() => 2);
    const [one, two, three] = [piece(), piece(), piece()];
    await window.add(one.work);
    await window.add(two.work);
    const reason = new Error('refused');
    const third = window.add(three.work);
    one.fail(reason);
    await expect(third).rejects.toBe(reason);
    await expect(window.drain()).rejects.toBe(reason);
    expect(three.isBegun()).toBe(false);
  });

  it('settles when all work is done, whatever the outcome', async () => {
    const window = new Window(() => 2);
    const [one, two] = [piece(), piece()];
    await window.add(one.work);
    await window.add(two.work);
    one.fail(new Error('refused'));
    const over = window.settle();
    expect(await settled(over)).toBe(false);
    two.end();
    await over;
  });
});
