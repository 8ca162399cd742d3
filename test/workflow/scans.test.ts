import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountedFor } from '../../src/counts.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { pendingActivities } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const USERS = 1_300;
const figure = (value: number) => value.toLocaleString('en-US');

/** In one lane: `lanes.test.ts` has the tests of several. */
describe('an audience is scanned again', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ ...provided(), sandbox: { users: USERS, cursor: 'scroll' } });
    await rig.sandbox.changeAuthorization('lytics', { limits: { lanes: 1 } });
  });
  afterAll(() => rig.stop());
  afterEach(() => rig.sandbox.admin.clearFaults());

  it('when the cursor expired, without repeating any write', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({
      match: { method: 'scan', path: 'start=', after: 10 },
      times: 1,
      action: { kind: 'expired_cursor' },
    });
    const { counts, scans, warnings } = await rig.run(jobDocument('expired'));
    expect(scans).toBe(2);
    expect(warnings).toEqual([expect.stringContaining("Lytics' cursor expired")]);
    expect(counts.members).toBeGreaterThan(USERS);
    expect(counts.updated).toBe(USERS);
    expect(accountedFor(counts)).toBe(counts.members);
    expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
    expect((await admin.journal()).length).toBe(USERS);
  });

  it('when an answer was lost with a scroll position, and the total was not reached', async () => {
    const { admin } = rig.sandbox;
    await admin.change(USERS);
    await admin.addFaults({
      match: { method: 'scan', after: 4 },
      times: 1,
      action: { kind: 'cut', applied: true },
    });
    const { counts, scans, warnings } = await rig.run(jobDocument('lossy'));
    expect(scans).toBe(2);
    expect(warnings).toEqual([
      expect.stringContaining(`returned ${figure(USERS - 100)} of ${figure(USERS)} users`),
    ]);
    expect(counts).toMatchObject({ members: 2 * USERS - 100, updated: USERS });
    expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
  });

  it('only a limited number of times without progress: a cursor that always expires is a configuration fault', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({ match: { method: 'scan', path: 'start=' }, action: { kind: 'expired_cursor' } });
    const failure = await failureOf(await rig.start(jobDocument('always expired')));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(
      /^Lytics' cursor expired in 5 scans in a row; .*raise limits\.calls_per_second/,
    );
  });

  it('only a limited number of times while the total is not reached: the run ends with a warning', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults(
      { match: { method: 'scan' }, rate: 0.3, action: { kind: 'cut' } },
      { match: { method: 'scan' }, action: { kind: 'total', add: 7 } },
    );
    const { counts, scans, warnings } = await rig.run(jobDocument('out of reach'));
    expect(scans).toBe(5);
    expect(counts).toMatchObject({ members: 5 * USERS, unchanged: 5 * USERS });
    expect(warnings.at(-1)).toBe(
      `Lytics' scan was interrupted and returned ${figure(USERS)} of ${figure(USERS + 7)} users; members may have been missed`,
    );
  });

  it('but not for a wrong total when no answer was lost', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({ match: { method: 'scan' }, action: { kind: 'total', add: 7 } });
    expect(await rig.run(jobDocument('over total'))).toMatchObject({ scans: 1, warnings: [] });
  });
});

describe('a secret rotated while pages are in flight', () => {
  it('makes the run scan again, with a warning', async () => {
    const rig = await startRig({ ...provided(), sandbox: { users: 90 } });
    try {
      const { admin, authorizations } = rig.sandbox;
      await admin.addFaults({
        match: { method: 'accounts.setAccountInfo' },
        action: { kind: 'html', status: 502 },
      });
      const handle = await rig.start(jobDocument('rotated'));
      await until(async () => (await pendingActivities(handle)).some(({ attempt }) => attempt > 1));
      // The same application with another credential: pages are sealed under a key of the secret.
      const { user_key, private_key } = authorizations['gigya-rsa'];
      await rig.sandbox.changeAuthorization('gigya', { user_key, private_key, secret_key: undefined });
      await admin.clearFaults();

      const { counts, scans, warnings } = await handle.result();
      expect(scans).toBe(2);
      expect(warnings).toEqual([
        expect.stringContaining(
          'The Gigya secret changed while pages were in flight; the audience was scanned again from the start',
        ),
      ]);
      expect(accountedFor(counts)).toBe(counts.members + counts.left);
      expect(counts.updated).toBe(90);
      expect(await admin.verify()).toMatchObject({ ok: true, exact: 90 });
    } finally {
      await rig.stop();
    }
  });
});
