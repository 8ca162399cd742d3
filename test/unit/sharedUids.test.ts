import { describe, expect, it } from 'vitest';
import { recordsOfShared } from '../../src/activities/sharedUids.ts';
import type { Row } from '../../src/lytics/client.ts';
import { createCatalogue } from '../../src/mapping/catalogue.ts';
import { createMapping } from '../../src/mapping/mapping.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

const plan = planOf();
const catalogue = createCatalogue([audience({}), audience({ id: 'b2', slug_name: 'new', name: 'New' })]);
const user = (uid: string | string[], ...segments: string[]): Row => ({ gy_profile_id: uid, segments });

/** The records of those of these UIDs that several rows share. */
async function settle(uids: string[], rows: Row[], profiles: Record<string, Row> = {}) {
  const lookedUp: string[] = [];
  const lytics = fakeLytics({
    find: async () => pageOf(rows),
    async profile(_field, uid) {
      lookedUp.push(uid);
      return profiles[uid];
    },
  });
  const records = await recordsOfShared(uids, { lytics, plan, attempt: fakeAttempt() }, async () =>
    createMapping(plan, catalogue),
  );
  return { records: [...records.values()], lookedUp };
}

describe('rows that share a UID', () => {
  it('are decided by the profile that Lytics finds by that UID', async () => {
    const rows = [user('a', 'vip'), user('b', 'vip'), user('a', 'new')];
    const { records, lookedUp } = await settle(['a', 'b'], rows, { a: user('a', 'vip', 'new') });
    expect(records).toEqual([{ uid: 'a', data: { lytics_segments: ['new', 'vip'] } }]);
    expect(lookedUp).toEqual(['a']);
  });

  it('may share it with a row that holds several', async () => {
    const rows = [user(['a', 'x'], 'vip'), user('a', 'new')];
    const { records } = await settle(['a', 'x'], rows, { a: user('a', 'new') });
    expect(records).toEqual([{ uid: 'a', data: { lytics_segments: ['new'] } }]);
  });

  it('stay as they are when Lytics does not find the profile', async () => {
    expect((await settle(['a'], [user('a', 'vip'), user('a', 'new')])).records).toEqual([]);
  });

  it('are absent when each UID is on one row', async () => {
    const { records, lookedUp } = await settle(['a', 'b'], [user('a', 'vip'), user('b', 'vip')]);
    expect({ records, lookedUp }).toEqual({ records: [], lookedUp: [] });
  });

  it('are not known where the site does not allow ad-hoc scans', async () => {
    const lytics = fakeLytics({ find: () => Promise.reject(refuse(400)) });
    const records = await recordsOfShared(['a'], { lytics, plan, attempt: fakeAttempt() }, async () =>
      createMapping(plan, catalogue),
    );
    expect(records.size).toBe(0);
  });
});
