import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { accountedFor } from '../../src/counts.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';

const USERS = 2_400;
/** A later Lytics page of the third of ten lanes. */
const THIRD_LANE = 'start=.+splits=20%2C';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: USERS, cursor: 'scroll' } });
});
afterAll(() => rig.stop());
afterEach(() => rig.sandbox.admin.clearFaults());

it('an audience is scanned in lanes, and every member is written once', async () => {
  const { admin } = rig.sandbox;
  const { counts, scans, warnings, in_gigya } = await rig.run(jobDocument('lanes'));
  expect(counts).toMatchObject({ members: USERS, updated: USERS });
  expect({ scans, warnings, in_gigya }).toEqual({ scans: 1, warnings: [], in_gigya: USERS });
  expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
  expect(await admin.journal()).toHaveLength(USERS);
});

it.each([
  [
    'fell short',
    { kind: 'cut', applied: true } as const,
    /^Lytics' scan was interrupted and returned 2,300 of 2,400 users; 1 of 10 lanes was scanned again from the start,/,
  ],
  [
    'expired',
    { kind: 'expired_cursor' } as const,
    /^Lytics' cursor expired; 1 of 10 lanes was scanned again from the start,/,
  ],
])('a lane that %s is scanned again alone', async (what, action, warning) => {
  const { admin } = rig.sandbox;
  await admin.change(USERS);
  await admin.clearJournal();
  await admin.addFaults({ match: { method: 'scan', path: THIRD_LANE }, times: 1, action });
  const { counts, scans, warnings } = await rig.run(jobDocument(`lane ${what}`));
  expect(scans).toBe(2);
  expect(warnings).toEqual([expect.stringMatching(warning)]);
  // The others were read once: a lane has a tenth of the users. What one read before it expired may not be written yet.
  expect(counts.members).toBeGreaterThanOrEqual(USERS);
  expect(counts.members).toBeLessThan(USERS * 1.2);
  expect(counts.updated).toBe(USERS);
  expect(accountedFor(counts)).toBe(counts.members);
  expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
  expect(await admin.journal()).toHaveLength(USERS);
});

it('lanes that Lytics no longer honours are given up: one lane reads everything, and no write is repeated', async () => {
  const { admin } = rig.sandbox;
  await admin.change(USERS);
  await admin.clearJournal();
  await admin.addFaults({
    // The proof has no cursor: this is the second Lytics page of the first lane.
    match: { method: 'scan', path: 'start=' },
    times: 1,
    action: { kind: 'settings', settings: { lytics: { splits: 'ignored' } } },
  });
  const { counts, scans, warnings } = await rig.run(jobDocument('given up'));
  await admin.patchSettings({ lytics: { splits: 'honoured' } });
  expect(scans).toBe(2);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^Lytics (reported 2,400 users in one of 10 lanes|returned the same users in several lanes); the audience was scanned again from the start, and the counts include every scan$/,
    ),
  ]);
  expect(counts.updated).toBe(USERS);
  expect(accountedFor(counts)).toBe(counts.members);
  expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
  expect(await admin.journal()).toHaveLength(USERS);
});
