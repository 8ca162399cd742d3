import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsPatch } from '../../sandbox/client.ts';
import type { JobConfig } from '../../src/job.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { expectExact } from '../support/verdict.ts';
import { changesDue } from '../support/writes.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: 250 } });
});
afterAll(() => rig.stop());

describe('an export is exact', () => {
  const plain: SettingsPatch = {
    compress: 'none',
    lytics: {
      total: 'right',
      size: 'right',
      optionalKeys: 'present',
      cursor: 'repeatable',
      lastPage: 'no_cursor',
      rowSegments: 'all',
      segmentsAs: 'slug',
      shuffleSegments: false,
      statusAsString: false,
      numbersAsStrings: false,
    },
    gigya: {
      emptyArrays: 'keep',
      dataStoreUnknownUid: 'accept',
      totalCount: 'right',
      optionalKeys: 'absent',
      redundantWrite: 'accept',
      contains: 'words',
    },
  };

  const odd: SettingsPatch = {
    compress: 'deflate',
    compressUnasked: true,
    lytics: { total: 'negative', size: 'minus_one', optionalKeys: 'null', rowSegments: 'empty' },
    gigya: { totalCount: 'negative', optionalKeys: 'null', redundantWrite: 403200, missingObject: 404000 },
  };

  it.each<[string, SettingsPatch, string, Partial<JobConfig>]>([
    ['with odd but documented replies of both services', odd, 'gigya', {}],
    [
      'with such replies, to the Data Store',
      { ...odd, lytics: { ...odd.lytics, rowSegments: 'without_scanned', total: 'null' } },
      'gigya',
      { target_storage: 'data_store' },
    ],
    ['with an RSA key', {}, 'gigya-rsa', {}],
    ['with signed requests', {}, 'gigya-signature', {}],
    ['with signed requests, to the Data Store', {}, 'gigya-signature', { target_storage: 'data_store' }],
    ['with a scroll cursor', { lytics: { cursor: 'scroll', lastPage: 'empty_page' } }, 'gigya', {}],
    [
      'with a cursor that looks the same, and a last page for ever',
      { lytics: { cursor: 'scroll', lastPage: 'same_page' } },
      'gigya',
      {},
    ],
    ['with rows without segments', { lytics: { rowSegments: 'none', shuffleSegments: true } }, 'gigya', {}],
    [
      'with some rows without segments, to the Data Store',
      { lytics: { rowSegments: 'some' } },
      'gigya',
      { target_storage: 'data_store' },
    ],
    [
      'with numbers and statuses as texts',
      { lytics: { numbersAsStrings: true, statusAsString: true, segmentsAs: 'name' } },
      'gigya',
      {},
    ],
    ['with all audiences by their ids', {}, 'gigya', { audience_format: 'id', audiences: 'all' }],
    ['with audiences by their names', {}, 'gigya-rsa', { audience_format: 'name' }],
  ])('%s', async (_, settings, authorization, config) => {
    const { admin } = rig.sandbox;
    await admin.patchSettings(plain);
    await admin.patchSettings(settings);
    const members = await admin.change(10_000);
    const { target_storage: storage = 'account', audience_format: format, audiences } = config;
    const question = { storage, ...(format && { format }), ...(audiences && { audiences }) };
    const due = (await changesDue(admin, question)).length;
    const summary = await rig.run(jobDocument('variation', config, authorization));
    expect(summary.counts).toMatchObject({ members, updated: due, unchanged: members - due });
    expect(summary.in_gigya).toBe(members);
    await expectExact(admin, question);
  });

  it('and a preview writes nothing', async () => {
    const { admin } = rig.sandbox;
    await admin.patchSettings(plain);
    await admin.change(10_000);
    const due = (await changesDue(admin)).length;
    await admin.clearJournal();
    const { counts, dry_run } = await rig.run(jobDocument('preview', { dry_run: true }));
    expect(dry_run).toBe(true);
    expect(counts).toMatchObject({ updated: due, unchanged: counts.members - due });
    expect(await admin.journal()).toEqual([]);
  });
});
