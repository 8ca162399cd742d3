import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RowSet, readRowSet } from '../../src/activities/rowSet.ts';
import type { ChangedRow, RowCursor, RowsQuestion } from '../../src/rows.ts';
import { createKeyPair, openSealed } from '../../src/sealedTo.ts';
import { attemptOf } from '../support/activity.ts';
import { keyOf, openActivities } from '../support/activityRig.ts';
import { gigyaAuthorization, lyticsAuthorization } from '../support/authorizations.ts';
import { clientOfHistories, completedWith, startedWith } from '../support/fakeHistories.ts';
import { jobDocument } from '../support/jobs.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const MB = 1_000_000;

it('rows of several megabytes are answered in parts of at most one, each row once and in order', async () => {
  const file = join(temporaryFolder(), 'authorizations.json');
  const [lytics, gigya] = [lyticsAuthorization, gigyaAuthorization].map((of) => of('http://127.0.0.1:9'));
  writeFileSync(file, JSON.stringify({ lytics, gigya }));
  const key = await keyOf(file);
  const uids: string[] = [];
  const page = () => {
    const rows = new RowSet();
    rows.sealWith(key);
    for (let n = 0; n < 1_000; n++) {
      // As long as identifiers get, and nothing to compress.
      const uid = randomBytes(192).toString('base64');
      uids.push(uid);
      rows.addChanged({ uid, operation: 'add', before: {}, after: { lytics_segments: ['vip'] } });
    }
    return completedWith({ updated: 1_000, sealed: rows.seal() });
  };
  const history = [startedWith(jobDocument('Large')), ...Array.from({ length: 6 }, page)];
  const client = clientOfHistories({ r: history }, 4);

  const { publicKey, privateKey } = await createKeyPair();
  const { readRows } = openActivities(file);
  const found: ChangedRow[] = [];
  let parts = 0;
  let cursor: RowCursor | null = null;
  do {
    const question: RowsQuestion = {
      run: { workflowId: 'w', runId: 'r' },
      kind: 'changed',
      cursor,
      publicKey,
    };
    const { part, next } = await attemptOf({}, client).run(readRows, question);
    cursor = next;
    if (part === null) continue;
    parts++;
    expect(part.length).toBeLessThan(MB);
    const sets: unknown[] = JSON.parse(await openSealed(privateKey, part));
    found.push(...sets.flatMap((set) => readRowSet('changed', set)));
  } while (cursor !== null);
  expect(parts).toBeGreaterThan(2);
  expect(found.map(({ uid }) => uid)).toEqual(uids);
});
