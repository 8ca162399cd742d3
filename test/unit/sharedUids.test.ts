import { describe, expect, it } from 'vitest';
import { recordsOfShared } from '../../src/activities/sharedUids.ts';
import type { Row } from '../../src/lytics/client.ts';
import { createCatalogue } from '../../src/mapping/catalogue.ts';
import { createMapping } from '../../src/mapping/mapping.ts';
import { planOf } from '../support/activityRig.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { audience, fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

const plan = planOf();
const vip = audience({});
const catalogue = createCatalogue([vip, audience({ id: 'b2', slug_name: 'new', name: 'New' })]);
const user = (uid: string | string[], ...segments: string[]): Row => ({ gy_profile_id: uid, segments });

/** The records of those of these UIDs that several rows share; `refused` is how the site refuses ad-hoc scans. */
async function settle(uids: string[], rows: Row[] | 'refused', profiles: Record<string, Row> = {}) {
  const lookedUp: string[] = [];
  const lytics = fakeLytics({
    find: () => (rows === 'refused' ? Promise.reject(refuse(400)) : Promise.resolve(pageOf(rows))),
    async profile(_field, uid) {
      lookedUp.push(uid);
      return profiles[uid];
    },
  });
  const sharing = { lytics, plan, audience: vip, attempt: fakeAttempt() };
  const records = await recordsOfShared(uids, sharing, async () => createMapping(plan, catalogue));
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
    // Without the audience the user would be a leaver, who is not corrected by a page of members.
    expect(records).toEqual([{ uid: 'a', data: { lytics_segments: ['new', 'vip'] } }]);
  });

  it('have the audiences of all of them when Lytics does not find the profile', async () => {
    const { records } = await settle(['a'], [user('a', 'vip'), user('a', 'new')]);
    expect(records).toEqual([{ uid: 'a', data: { lytics_segments: ['new', 'vip'] } }]);
  });

  it('stay as they are when none of them names the audience', async () => {
    expect((await settle(['a'], [user('a', 'new'), user('a', 'new')])).records).toEqual([]);
  });

  it('are absent when each UID is on one row', async () => {
    const { records, lookedUp } = await settle(['a', 'b'], [user('a', 'vip'), user('b', 'vip')]);
    expect({ records, lookedUp }).toEqual({ records: [], lookedUp: [] });
  });

  it('have the audiences of all of them when the profile shows no membership', async () => {
    const rows = [user('a', 'vip'), user('a', 'new')];
    const { records } = await settle(['a'], rows, { a: { gy_profile_id: 'a' } });
    expect(records).toEqual([{ uid: 'a', data: { lytics_segments: ['new', 'vip'] } }]);
  });
});

describe('UIDs that may be shared, where an ad-hoc scan cannot tell', () => {
  const profiles = { 'a b': user('a b', 'vip', 'new'), c: user('c', 'new'), d: user('d', 'vip') };

  it('are decided by their profiles when a statement cannot contain them', async () => {
    const { records, lookedUp } = await settle(['a b', 'c'], [user('c', 'vip')], profiles);
    expect(records).toEqual([{ uid: 'a b', data: { lytics_segments: ['new', 'vip'] } }]);
    expect(lookedUp).toEqual(['a b']);
  });

  it('are decided by their profiles where the site does not allow such scans, but stay members', async () => {
    const { records } = await settle(['c', 'd', 'gone'], 'refused', profiles);
    expect(records).toEqual([{ uid: 'd', data: { lytics_segments: ['vip'] } }]);
  });

  it('stay as they are when no profile names the audience, since the token may not see it', async () => {
    const blind = { c: user('c'), d: user('d') };
    expect((await settle(['c', 'd'], 'refused', blind)).records).toEqual([]);
  });
});
