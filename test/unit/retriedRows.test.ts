import { expect, it, onTestFinished, vi } from 'vitest';
import { createCatalogues } from '../../src/activities/catalogues.ts';
import { selectFailed } from '../../src/activities/retriedRows.ts';
import { Unwritable } from '../../src/activities/unwritable.ts';
import type { Gigya } from '../../src/gigya/client.ts';
import { createLookUpSize } from '../../src/gigya/lookUpSize.ts';
import type { FailedRow } from '../../src/rows.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf } from '../support/fakeLytics.ts';

const MEMBERSHIPS: Record<string, string[]> = {
  member: ['vip', 'new'],
  left: ['new'],
  carrier: ['new'],
  'q"uoted': ['new'],
  shared: ['vip'],
};

const lytics = fakeLytics({
  audiences: async () => [audience({}), audience({ id: 'a2', slug_name: 'new', name: 'New' })],
  profile: async (_field, uid) => {
    const segments = MEMBERSHIPS[uid];
    return segments && { gy_profile_id: uid, segments };
  },
});

/** Only `carrier` carries the audience, as far as the index knows. */
const gigya: Gigya = {
  name: 'gigya',
  connections: 20,
  lookUpSize: createLookUpSize(),
  call: async (_method, _params, shape) =>
    shape.parse({ results: [{ UID: 'carrier', data: { lytics_segments: ['vip'] } }] }),
  close: async () => {},
};

function row(identifier: string, changes: Partial<FailedRow> = {}) {
  const failed: FailedRow = {
    identifier,
    operation: 'add',
    status: 'rejected',
    errorCode: '400006',
    statusMessage: '',
    callId: null,
    attempts: 1,
    attemptedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
  return { row: failed, position: 0, copies: 1 };
}

async function select(rows: ReturnType<typeof row>[], on_exit: 'update' | 'keep' = 'update') {
  const attempt = fakeAttempt();
  const unwritable = new Unwritable(new Uint8Array(32), 1);
  const plan = planOf({ on_exit }, { id: 'a1' });
  const tools = { lytics, gigya, plan, catalogues: createCatalogues(), attempt, unwritable };
  const { rows: selected, kept } = await selectFailed(rows, tools);
  return {
    written: selected.map(({ record, isRemoval }) => [
      record.uid,
      record.data['lytics_segments'],
      isRemoval ? 'removal' : 'write',
    ]),
    kept,
    failures: unwritable.failures,
  };
}

it('failed users get their present membership, and only carriers lose the audience', async () => {
  expect(await select([row('member'), row('left'), row('carrier'), row('q"uoted')])).toEqual({
    written: [
      ['member', ['new', 'vip'], 'write'],
      ['left', ['new'], 'write'],
      ['carrier', ['new'], 'removal'],
      // The index cannot be asked about this UID.
      ['q"uoted', ['new'], 'removal'],
    ],
    kept: 0,
    failures: {},
  });
});

it('the profile decides where the row of an ad-hoc scan has an empty list', async () => {
  const find = vi.spyOn(lytics, 'find');
  onTestFinished(() => find.mockRestore());
  find.mockResolvedValue(pageOf([{ gy_profile_id: 'member', segments: [] }]));
  expect((await select([row('member')])).written).toEqual([['member', ['new', 'vip'], 'write']]);
});

it('users who left keep what they hold where the job says so', async () => {
  const { written, kept } = await select([row('member'), row('carrier')], 'keep');
  expect(written).toEqual([['member', ['new', 'vip'], 'write']]);
  expect(kept).toBe(1);
});

it('a user whom Lytics does not find fails, unless they had left already', async () => {
  const { written, failures } = await select([
    row('gone'),
    row('carrier', { operation: 'remove' }),
    row('deleted', { operation: 'remove' }),
  ]);
  expect(written).toEqual([
    ['carrier', ['new'], 'removal'],
    ['deleted', [], 'write'],
  ]);
  expect(failures).toEqual({ not_in_lytics: 1 });
});

it('IDs that lost digits fail again, and stale rows stay as they are', async () => {
  const { written, failures } = await select([
    row('9007199254740992', { errorCode: 'imprecise_id', operation: null }),
    row('member', { status: 'stale', errorCode: 'stale' }),
  ]);
  expect(written).toEqual([]);
  expect(failures).toEqual({ imprecise_id: 1 });
});
