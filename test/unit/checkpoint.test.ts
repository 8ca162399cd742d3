import { describe, expect, it } from 'vitest';
import { Checkpoint, type Outcome } from '../../src/activities/checkpoint.ts';
import { fc } from '../support/property.ts';

const FRESH = { write: false, replacement: false };
const updated: Outcome = { kind: 'updated' };
const unchanged: Outcome = { kind: 'unchanged' };

/** As a snapshot comes back from the server. */
const sent = (checkpoint: Checkpoint): unknown => JSON.parse(JSON.stringify(checkpoint.snapshot()));

describe('a checkpoint', () => {
  it('starts with nothing done and with the earlier read-back result', () => {
    const checkpoint = new Checkpoint(undefined, { write: true, replacement: false });
    expect(checkpoint.written).toEqual({
      updated: 0,
      unchanged: 0,
      unknown_uid: 0,
      failed: 0,
      failures: {},
      carrying: 0,
      readBack: { write: true, replacement: false },
      stopped: false,
    });
    expect(checkpoint.canary).toBeNull();
  });

  it('counts each outcome, once for each row that the record stands for', () => {
    const checkpoint = new Checkpoint(undefined, FRESH);
    checkpoint.settle(0, updated, 1, true);
    // Written once; the other two rows find it written.
    checkpoint.settle(1, updated, 3, true);
    checkpoint.settle(2, unchanged, 2, false);
    checkpoint.settle(3, { kind: 'unknown_uid' }, 2, true);
    checkpoint.settle(4, { kind: 'failed', reason: '400006' }, 2, true);
    checkpoint.settle(5, { kind: 'failed', reason: '400006' }, 1, true);
    checkpoint.settle(6, { kind: 'failed', reason: 'no_answer' }, 1, true);
    expect(checkpoint.written).toMatchObject({
      updated: 2,
      unchanged: 4,
      unknown_uid: 2,
      failed: 4,
      failures: { '400006': 3, no_answer: 1 },
      // Users, not rows; only those who hold the record now.
      carrying: 2,
    });
  });

  it('keeps the last record that was written or equal as the canary', () => {
    const checkpoint = new Checkpoint(undefined, FRESH);
    checkpoint.settle(7, { kind: 'failed', reason: 'x' }, 1, false);
    expect(checkpoint.canary).toBeNull();
    checkpoint.settle(3, updated, 1, false);
    checkpoint.settle(4, { kind: 'unknown_uid' }, 1, false);
    expect(checkpoint.canary).toBe(3);
    checkpoint.settle(5, unchanged, 1, false);
    expect(checkpoint.canary).toBe(5);
  });

  it('reports the work done so far as stopped, and continues', () => {
    const checkpoint = new Checkpoint(undefined, FRESH);
    checkpoint.settle(0, updated, 1, false);
    expect(checkpoint.stopped).toMatchObject({ updated: 1, stopped: true });
    expect(checkpoint.written).toMatchObject({ updated: 1, stopped: false });
  });

  it('survives a heartbeat, so the next attempt knows exactly what is done', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2_100), { maxLength: 300, size: 'max' }), (positions) => {
        const first = new Checkpoint(undefined, FRESH);
        for (const position of positions) first.settle(position, updated, 1, position % 2 === 0);
        first.markReadBack('write');
        const second = new Checkpoint(sent(first), FRESH);
        expect(second.written).toEqual(first.written);
        expect(second.canary).toBe(first.canary);
        const done = new Set(positions);
        for (let position = 0; position < 2_110; position++) {
          expect(second.isDone(position)).toBe(done.has(position));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('uses one bit per record', () => {
    const checkpoint = new Checkpoint(undefined, FRESH);
    for (let position = 0; position < 2_000; position++) checkpoint.settle(position, updated, 1, true);
    expect(JSON.stringify(checkpoint.snapshot()).length).toBeLessThan(2_000 / 6 + 300);
  });

  it.each([
    undefined,
    null,
    'x',
    5,
    {},
    { done: 5 },
    { updated: 3 },
    { ...new Checkpoint(undefined, FRESH).snapshot(), done: 'not base64!' },
    { ...new Checkpoint(undefined, FRESH).snapshot(), updated: '3' },
  ])('starts from the beginning with an invalid snapshot: %j', (before) => {
    const checkpoint = new Checkpoint(before, FRESH);
    expect(checkpoint.written).toMatchObject({ updated: 0, failures: {} });
    expect(checkpoint.isDone(0)).toBe(false);
  });
});
