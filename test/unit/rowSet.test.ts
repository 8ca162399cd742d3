import { randomBytes } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { openRows, RowSet, readRowSet } from '../../src/activities/rowSet.ts';
import type { ChangedRow, FailedRow, RowKind, RowsByKind } from '../../src/rows.ts';
import { fc } from '../support/property.ts';

const KEY = randomBytes(32);
const MIB = 1024 * 1024;

const failedRow = (identifier: string, more: Partial<FailedRow> = {}): FailedRow => ({
  identifier,
  operation: 'add',
  status: 'rejected',
  errorCode: '400006',
  statusMessage: 'Invalid parameter value: the data does not fit',
  callId: 'f8800f4ce4c4416fbb401c14498ca5af',
  attempts: 1,
  attemptedAt: '2026-11-25T03:30:00.000Z',
  ...more,
});

function newSet(): RowSet {
  const rows = new RowSet();
  rows.sealWith(KEY);
  return rows;
}

async function opened<Kind extends RowKind>(rows: RowSet, kind: Kind): Promise<RowsByKind[Kind][]> {
  const sets = rows.seal()?.[kind] ?? [];
  const texts = await Promise.all(sets.map((set) => openRows(set, KEY)));
  return texts.flatMap((text) => readRowSet(kind, JSON.parse(text)));
}

describe('failed rows', () => {
  it('come back as they were, and are standard JWE that show nothing', async () => {
    const rows = newSet();
    const added = [
      failedRow('uid-1'),
      failedRow('uid-2', { operation: null, status: 'unknown_user', callId: null, attempts: 3 }),
    ];
    for (const row of added) rows.addFailed(row);
    const [sealed = ''] = rows.seal()?.failed ?? [];
    expect(await opened(rows, 'failed')).toEqual(added);
    expect((await compactDecrypt(sealed, KEY)).protectedHeader).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      zip: 'DEF',
    });
    expect(rows.seal()).not.toHaveProperty('changed');
    expect(newSet().seal()).toBeUndefined();
  });

  it('are kept by the next attempt, which adds its own', async () => {
    const first = newSet();
    first.addFailed(failedRow('a'));
    first.seal();
    first.addFailed(failedRow('b'));
    const heartbeat: unknown = JSON.parse(JSON.stringify(first.seal()));
    const second = newSet();
    second.resume(Object(heartbeat));
    second.addFailed(failedRow('c'));
    expect((await opened(second, 'failed')).map(({ identifier }) => identifier)).toEqual(['a', 'b', 'c']);
  });

  it('of 1,000 users with UIDs of 256 bytes stay below 1 MiB, sealed once a few', () => {
    const rows = newSet();
    for (let n = 0; n < 1_000; n++) {
      const callId = randomBytes(16).toString('hex');
      const uid = randomBytes(128).toString('hex');
      rows.addFailed(failedRow(uid, { callId, statusMessage: `Field of "${uid}" unknown` }));
      if (n % 50 === 0) rows.seal();
    }
    expect(JSON.stringify(rows.seal()).length).toBeLessThan(MIB);
  });

  it('are opened with the key only', async () => {
    const rows = newSet();
    rows.addFailed(failedRow('uid-1'));
    const [sealed = ''] = rows.seal()?.failed ?? [];
    await expect(openRows(sealed, randomBytes(32))).rejects.toMatchObject({
      type: 'SealBroken',
      message: 'The rows cannot be opened: the Gigya secret was changed after this run',
    });
  });
});

describe('changed rows', () => {
  const AUDIENCES = Array.from({ length: 500 }, (_, n) => `audience_with_a_usual_name_${n}`);

  it('come back as they were', async () => {
    const value = fc.oneof(
      fc.uniqueArray(fc.constantFrom(...AUDIENCES)).map((list) => [...list].sort()),
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.boolean(),
      fc.constant(null),
    );
    const fields = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value);
    const row: fc.Arbitrary<ChangedRow> = fc.record({
      uid: fc.string(),
      operation: fc.constantFrom('add', 'change', 'remove'),
      before: fields,
      after: fields,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (added) => {
        const rows = newSet();
        for (const one of added) rows.addChanged(one);
        expect(JSON.parse(JSON.stringify(await opened(rows, 'changed')))).toEqual(
          JSON.parse(JSON.stringify(added)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('may hold values of any other shape before', async () => {
    const rows = newSet();
    const row: ChangedRow = {
      uid: 'a',
      operation: 'change',
      before: { mixed: ['a', 1], nested: { a: ['b'] }, twice: ['x', 'x'], none: [] },
      after: { mixed: [], nested: null, twice: ['x'], none: ['x'] },
    };
    rows.addChanged(row);
    expect(await opened(rows, 'changed')).toEqual([row]);
  });

  it('fill a set before it exceeds 1 MiB, whatever 1,000 users with 500 audiences hold', () => {
    const rows = newSet();
    let added = 0;
    while (!rows.isFull) {
      const half = () => AUDIENCES.filter(() => Math.random() < 0.5);
      const after = { lytics_segments: half() };
      rows.addChanged({
        uid: randomBytes(128).toString('hex'),
        operation: 'change',
        before: { lytics_segments: half() },
        after,
      });
      added++;
    }
    expect(JSON.stringify(rows.seal()).length).toBeLessThan(MIB);
    // A page needs two activities then, and no more.
    expect(added).toBeGreaterThanOrEqual(900);
  });
});
