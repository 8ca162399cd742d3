import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountedFor } from '../../src/counts.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { pendingActivities } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const USERS = 1_300;

describe('an audience is gone through again', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ ...provided(), sandbox: { users: USERS, cursor: 'scroll' } });
  });
  afterAll(() => rig.stop());
  afterEach(() => rig.sandbox.admin.clearFaults());

  it('when the cursor expired, and what was written is not written again', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({
      match: { method: 'scan', path: 'start=', after: 10 },
      times: 1,
      action: { kind: 'expired_cursor' },
    });
    const { counts, sweeps, warnings } = await rig.run(jobDocument('expired'));
    expect(sweeps).toBe(2);
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
    const { counts, sweeps, warnings } = await rig.run(jobDocument('lossy'));
    expect(sweeps).toBe(2);
    expect(warnings).toEqual([expect.stringContaining(`${USERS - 100} of ${USERS} users came`)]);
    expect(counts).toMatchObject({ members: 2 * USERS - 100, updated: USERS });
    expect(await admin.verify()).toMatchObject({ ok: true, exact: USERS });
  });

  it('only so often while nothing is gained: an expiry each time is a fault to be mended', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({ match: { method: 'scan', path: 'start=' }, action: { kind: 'expired_cursor' } });
    const failure = await failureOf(await rig.start(jobDocument('always expired')));
    expect(failure.type).toBe('Configuration');
    expect(failure.message).toMatch(/cursor expired, again and again; .*raise limits\.calls_per_second/);
  });

  it('only so often while the total cannot be reached: the run ends with a warning', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults(
      { match: { method: 'scan' }, rate: 0.3, action: { kind: 'cut' } },
      { match: { method: 'scan' }, action: { kind: 'total', add: 7 } },
    );
    const { counts, sweeps, warnings } = await rig.run(jobDocument('out of reach'));
    expect(sweeps).toBe(5);
    expect(counts).toMatchObject({ members: 5 * USERS, unchanged: 5 * USERS });
    expect(warnings.at(-1)).toBe(
      `Requests to Lytics had to be repeated, and ${USERS} of ${USERS + 7} users came; members may have been missed`,
    );
  });

  it('not for a total that is off, when no answer was lost', async () => {
    const { admin } = rig.sandbox;
    await admin.addFaults({ match: { method: 'scan' }, action: { kind: 'total', add: 7 } });
    expect(await rig.run(jobDocument('over total'))).toMatchObject({ sweeps: 1, warnings: [] });
  });
});

describe('a secret rotated while pages are under way', () => {
  it('makes the run begin again, with a warning', async () => {
    const rig = await startRig({ ...provided(), sandbox: { users: 250 } });
    try {
      const { admin, authorizations } = rig.sandbox;
      await admin.addFaults({
        match: { method: 'accounts.setAccountInfo' },
        action: { kind: 'html', status: 502 },
      });
      const handle = await rig.start(jobDocument('rotated'));
      await until(async () => (await pendingActivities(handle)).some(({ attempt }) => attempt > 1));
      // The same application with another credential: what pages are sealed under is of the secret.
      const { user_key, private_key } = authorizations['gigya-rsa'];
      await rig.sandbox.changeAuthorization('gigya', { user_key, private_key, secret_key: undefined });
      await admin.clearFaults();

      const { counts, sweeps, warnings } = await handle.result();
      expect(sweeps).toBe(2);
      expect(warnings).toEqual([
        expect.stringContaining('The Gigya secret was changed while pages were under way'),
      ]);
      expect(accountedFor(counts)).toBe(counts.members + counts.left);
      expect(counts.updated).toBe(250);
      expect(await admin.verify()).toMatchObject({ ok: true, exact: 250 });
    } finally {
      await rig.stop();
    }
  });
});
