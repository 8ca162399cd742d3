import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountedFor } from '../../src/counts.ts';
import type { JobConfig } from '../../src/job.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { expectExact } from '../support/verdict.ts';
import { appliedWrites } from '../support/writes.ts';

const PLAIN = 300;
const EACH = 3;

/** UIDs of single users on the first page of a scan. */
async function scannedFirst({ lyticsUrl, authorizations }: Rig['sandbox']): Promise<string[]> {
  const headers = { authorization: authorizations.lytics.token };
  const reply = await fetch(`${lyticsUrl}/api/segment/vip/scan?table=user&limit=10`, { headers });
  const { data } = z
    .object({ data: z.array(z.object({ gy_profile_id: z.string() })) })
    .parse(await reply.json());
  return data.map(({ gy_profile_id }) => gy_profile_id);
}

describe.each<JobConfig['target_storage']>(['account', 'data_store'])(
  'odd records, exported to %s',
  (storage) => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await startRig({ ...provided(), sandbox: { users: PLAIN, odd: EACH, audiences: 498 } });
    });
    afterAll(() => rig.stop());

    it('are each counted by their outcome, and none is fatal', async () => {
      const { counts, failures, in_gigya } = await rig.run(jobDocument('odd', { target_storage: storage }));
      const kinds = {
        noId: ['missing', 'empty', 'null'],
        written: [
          'quotes',
          'non_ascii',
          'control',
          'number',
          'numeric_string',
          'spaces',
          'several_with_stranger',
        ],
        unknown: ['too_long', 'stranger', 'several_with_stranger'],
      };
      const written = PLAIN + EACH * (kinds.written.length + 3);
      expect(failures).toEqual({});
      expect(counts).toEqual({
        // A row of several UIDs counts for each: two more for `several`, one more for `several_with_stranger`.
        members: PLAIN + EACH * (14 + 2 + 1),
        left: 0,
        excluded: 0,
        no_gigya_id: EACH * kinds.noId.length,
        unknown_uid: EACH * kinds.unknown.length,
        updated: expect.any(Number),
        unchanged: expect.any(Number),
        failed: 0,
      });
      expect(accountedFor(counts)).toBe(counts.members);
      // The second row of a `duplicate` is unchanged on the same page, and may correct the first one's on another.
      expect(counts.updated + counts.unchanged).toBe(written + EACH);
      expect(counts.updated).toBeGreaterThanOrEqual(written);
      await expectExact(rig.sandbox.admin, { storage });
      // What a query cannot contain is in the index all the same.
      expect(in_gigya).toBe(written);
    });

    it('are not written by the next run', async () => {
      await rig.sandbox.admin.clearJournal();
      const { counts } = await rig.run(jobDocument('odd again', { target_storage: storage }));
      expect(counts.updated).toBe(0);
      expect(await appliedWrites(rig.sandbox.admin)).toEqual([]);
    });

    it('with one UID on two successive rows carry the values of the profile, and the result reports how many', async () => {
      const { admin } = rig.sandbox;
      await admin.population({ action: 'odd', count: 2, kinds: ['twins'] });
      const { warnings } = await rig.run(jobDocument('twins', { target_storage: storage }));
      // Pages are sized by the rate, so that a page may end between the two rows: then they count as two carriers.
      const shared = /^(\d+) members share their Gigya UID with another; their profile decided/;
      const apart =
        /^(\d+) users in Gigya carry the audience, but this run counted (\d+): members on several pages/;
      let twins = 0;
      for (const warning of warnings) {
        const [, together] = shared.exec(warning) ?? [];
        const [, held, known] = apart.exec(warning) ?? [];
        expect(together ?? held, warning).toBeDefined();
        twins += together ? Number(together) : Number(known) - Number(held);
      }
      expect(twins).toBe(EACH + 2);
      await expectExact(admin, { storage });
    });

    it('with one UID on rows far apart are not written repeatedly', async () => {
      const { admin } = rig.sandbox;
      await admin.patchSettings({ lytics: { sharedUid: 'newest' } });
      const [first = '', second = ''] = await scannedFirst(rig.sandbox);
      const last = (uid: string, ...audiences: string[]) => ({ fields: { gy_profile_id: uid }, audiences });
      // The newest profile, which decides, is a member with fewer audiences; and one that is in none.
      const added = await admin.putRows(last(first, 'vip'), last(second, 'vip'), last(second));
      const config = { target_storage: storage, on_exit: 'keep' } as const;
      for (const name of ['apart', 'apart again']) await rig.run(jobDocument(name, config));
      expect(await heldBy(first)).toEqual(['vip']);
      await admin.clearJournal();
      await rig.run(jobDocument('apart once more', config));
      expect(await appliedWrites(admin)).toEqual([]);
      for (const { key } of added) await admin.removeRow(key);
      await admin.patchSettings({ lytics: { sharedUid: 'merged' } });

      async function heldBy(uid: string): Promise<unknown> {
        const { account, objects } = await admin.held(uid);
        return (storage === 'account' ? account : objects[0])?.data['lytics_segments'];
      }
    });

    it('of a user in 500 audiences are written completely', async () => {
      const { admin } = rig.sandbox;
      const all = (await admin.audiences()).map(({ slug }) => slug);
      const uid = 'in-them-all';
      await admin.putAccounts({ uid });
      await admin.putRows({ fields: { gy_profile_id: uid }, audiences: all });
      const { counts } = await rig.run(jobDocument('many', { target_storage: storage, audiences: 'all' }));
      expect(counts.failed).toBe(0);
      await expectExact(admin, { storage, audiences: 'all' });
      const { account, objects } = await admin.held(uid);
      const held =
        storage === 'account' ? account?.data['lytics_segments'] : objects[0]?.data['lytics_segments'];
      expect(held).toHaveLength(500);

      await admin.clearJournal();
      await rig.run(
        jobDocument('many again', { target_storage: storage, audiences: 'all', audience_format: 'name' }),
      );
      await expectExact(admin, { storage, audiences: 'all', format: 'name' });
    });
  },
);
