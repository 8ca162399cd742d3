import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { unwatchAbort, watchAbort } from '../../src/aborts.ts';

describe('a signal that aborts', () => {
  it('tells everyone who watches it, once and in order, by one listener', () => {
    const giveUp = new AbortController();
    const told: number[] = [];
    for (const n of [1, 2, 3]) watchAbort(giveUp.signal, () => told.push(n));
    expect(getEventListeners(giveUp.signal, 'abort')).toHaveLength(1);
    giveUp.abort();
    giveUp.abort();
    expect(told).toEqual([1, 2, 3]);
  });

  it('does not tell who stopped watching, not even while it tells the others', () => {
    const giveUp = new AbortController();
    const before = vi.fn();
    const later = vi.fn();
    watchAbort(giveUp.signal, before);
    watchAbort(giveUp.signal, () => unwatchAbort(giveUp.signal, later));
    watchAbort(giveUp.signal, later);
    unwatchAbort(giveUp.signal, before);
    giveUp.abort();
    expect(before).not.toHaveBeenCalled();
    expect(later).not.toHaveBeenCalled();
  });
});
