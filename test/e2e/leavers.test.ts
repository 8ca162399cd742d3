import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '../../src/workflows/messages.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart, labelsOf } from '../support/leavers.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { ExportHandle } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const MEMBERS = 500;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: MEMBERS } });
});
afterAll(() => rig.stop());

/** The audience has all its members again, and Gigya holds exactly what Lytics says. */
beforeEach(async () => {
  const { admin } = rig.sandbox;
  await admin.clearFaults();
  await admin.patchSettings({ lytics: { adHocScan: 'on' } });
  await admin.patchAudience('vip', { isPublic: true });
  const { rows } = await admin.truth();
  await admin.enter(MEMBERS - rows);
  for (const target_storage of ['account', 'data_store'] as const) {
    await rig.run(jobDocument('before', { target_storage, max_removals: MEMBERS }));
  }
  await admin.clearJournal();
});

const progressOf = (handle: ExportHandle) => handle.query<Progress>('progress');
const untilApproval = (handle: ExportHandle) =>
  until(
    async () => {
      const progress = await progressOf(handle);
      return progress.phase === 'approval' && progress;
    },
    { limitMs: 60_000 },
  );
const removals = async () => (await rig.sandbox.admin.journal()).filter(({ applied }) => applied).length;

describe.each(['account', 'data_store'] as const)('users who leave, in the %s', (storage) => {
  it('hold exactly what Lytics says one run later, as do those who enter', async () => {
    const job = jobDocument('leavers', { target_storage: storage });
    const { expected } = await rig.sandbox.admin.truth();
    await rig.sandbox.admin.enter(20);
    const leaving = { elsewhere: 30, nowhere: 20, deleted: 10 };
    const gone = await depart(rig.sandbox, leaving, Object.keys(expected));
    await rig.sandbox.admin.clearJournal();

    const { counts, warnings, in_gigya } = await rig.run(job);
    expect(counts).toMatchObject({ members: MEMBERS - 40, left: 60, updated: 80, unchanged: MEMBERS - 60 });
    expect(in_gigya).toBe(MEMBERS - 40);
    expect(warnings.filter((warning) => /carry|corrected/.test(warning))).toEqual([]);
    expect(await rig.sandbox.admin.verify({ storage })).toMatchObject({
      extra: [],
      missing: [],
      different: [],
    });
    for (const uid of [...gone.nowhere, ...gone.deleted]) {
      expect(await labelsOf(rig.sandbox, storage, uid)).toEqual([]);
    }
    for (const uid of gone.elsewhere) {
      const [row] = await rig.sandbox.admin.rows(uid, 'gy_profile_id');
      expect((await labelsOf(rig.sandbox, storage, uid)).includes('vip')).toBe(false);
      expect(row?.audiences.length).toBeGreaterThan(0);
    }
    // The third run has nothing to do.
    await rig.sandbox.admin.clearJournal();
    expect((await rig.run(job)).counts).toMatchObject({ left: 0, updated: 0 });
    expect(await rig.sandbox.admin.journal()).toEqual([]);
  });
});

describe('the guard', () => {
  it('lets 19 % leave without asking', async () => {
    const job = jobDocument('nineteen');
    await depart(rig.sandbox, { elsewhere: MEMBERS * 0.19 });
    expect((await rig.run(job)).counts.left).toBe(MEMBERS * 0.19);
    expect(await rig.sandbox.admin.verify()).toMatchObject({ extra: [] });
  });

  it('holds 21 % back until that number is approved', async () => {
    const job = jobDocument('twenty-one');
    const leaving = MEMBERS * 0.21;
    await depart(rig.sandbox, { elsewhere: leaving });
    await rig.sandbox.admin.clearJournal();
    const handle = await rig.start(job);

    const { approval, counts } = await untilApproval(handle);
    expect(approval).toMatchObject({ removals: leaving, carriers: MEMBERS });
    expect(Date.parse(approval?.until ?? '') - Date.now()).toBeGreaterThan(47 * 3_600_000);
    expect(counts).toMatchObject({ left: 0, updated: 0 });
    expect(await refusalOf(handle.executeUpdate('approve', { args: [{ removals: 5 }] }))).toContain(
      `${leaving} removals wait for approval`,
    );
    expect(await refusalOf(handle.executeUpdate('approve', { args: ['yes'] }))).toContain(`${leaving}`);
    expect(await removals()).toBe(0);

    await handle.executeUpdate('approve', { args: [{ removals: leaving }] });
    expect((await handle.result()).counts).toMatchObject({ left: leaving, updated: leaving });
    expect(await rig.sandbox.admin.verify()).toMatchObject({ extra: [] });
  });

  it('removes nothing when it is refused', async () => {
    const job = jobDocument('refused');
    await depart(rig.sandbox, { elsewhere: MEMBERS * 0.3 });
    await rig.sandbox.admin.clearJournal();
    const handle = await rig.start(job);
    await untilApproval(handle);
    await handle.executeUpdate('refuse');
    expect(await failureOf(handle)).toMatchObject({ type: 'Guard' });
    expect(await removals()).toBe(0);
    expect(await progressOf(handle)).toMatchObject({ state: 'failed', approval: null });
  });

  it('guards an empty audience, however few carry it', async () => {
    const job = jobDocument('emptied');
    await rig.sandbox.admin.leave(MEMBERS);
    const handle = await rig.start({ ...job, config: { ...job.config, max_removals: MEMBERS * 2 } });
    expect((await untilApproval(handle)).approval).toMatchObject({ removals: MEMBERS, carriers: MEMBERS });
    await handle.executeUpdate('approve', { args: [{ removals: MEMBERS }] });
    expect((await handle.result()).counts).toMatchObject({ members: 0, left: MEMBERS });
    expect(await rig.sandbox.admin.verify()).toMatchObject({ extra: [] });
  });

  it('leaves alone who entered again while it waited, and can be paused, resumed and cancelled', async () => {
    const job = jobDocument('waited');
    const { elsewhere } = await depart(rig.sandbox, { elsewhere: MEMBERS / 2 });
    const cancelled = await rig.start(job);
    await untilApproval(cancelled);
    await cancelled.cancel();
    await failureOf(cancelled);
    expect(await progressOf(cancelled)).toMatchObject({ state: 'cancelled' });

    const handle = await rig.start(job);
    await untilApproval(handle);
    await handle.executeUpdate('pause');
    expect((await progressOf(handle)).state).toBe('paused');
    await handle.executeUpdate('resume');
    const [uid = ''] = elsewhere;
    const [row] = await rig.sandbox.admin.rows(uid, 'gy_profile_id');
    if (!row) throw new Error(`There is no row for ${uid}`);
    await rig.sandbox.admin.putRows({
      ...row,
      fields: { ...row.fields },
      audiences: [...row.audiences, 'vip'],
    });
    await handle.executeUpdate('approve', { args: [{ removals: MEMBERS / 2 }] });
    expect((await handle.result()).counts.left).toBe(MEMBERS / 2 - 1);
    expect(await labelsOf(rig.sandbox, 'account', uid)).toContain('vip');
  });
});

it('previews without writing, and shows what the guard would say', async () => {
  const job = jobDocument('preview');
  await depart(rig.sandbox, { elsewhere: MEMBERS * 0.5 });
  await rig.sandbox.admin.clearJournal();
  const { counts, warnings } = await rig.run({ ...job, config: { ...job.config, dry_run: true } });
  expect(counts).toMatchObject({ left: MEMBERS * 0.5, updated: MEMBERS * 0.5 });
  expect(warnings.join()).toContain('would wait for approval');
  expect(await rig.sandbox.admin.journal()).toEqual([]);
});

it('keeps the audience of users who left with on_exit "keep"', async () => {
  const job = jobDocument('kept', { on_exit: 'keep' });
  await depart(rig.sandbox, { elsewhere: 10 });
  expect((await rig.run(job)).counts).toMatchObject({ left: 0, updated: 0 });
});

it('corrects nobody when Lytics does not find its own members by the ID field', async () => {
  const job = jobDocument('unproven');
  await depart(rig.sandbox, { elsewhere: 10 });
  await rig.sandbox.admin.patchSettings({ lytics: { adHocScan: 404 } });
  await rig.sandbox.admin.addFaults({
    match: { method: 'entity' },
    action: { kind: 'lytics_error', status: 404 },
  });
  const { counts, warnings } = await rig.run(job);
  expect(counts).toMatchObject({ left: 0, updated: 0 });
  expect(warnings.join()).toMatch(/not corrected: Lytics finds 0 of \d+ .* by gy_profile_id/);
});

it.each([
  ['id', 403],
  ['name', 'on'],
] as const)(
  'corrects users who carry the %s of the audience, with ad-hoc scans %s',
  async (format, adHocScan) => {
    const job = jobDocument('found', { audience_format: format });
    await rig.run(job);
    const { admin } = rig.sandbox;
    await depart(rig.sandbox, { elsewhere: 5, nowhere: 5, deleted: 5 });
    // Where the site refuses ad-hoc scans, users are looked up one by one.
    await admin.patchSettings({ lytics: { adHocScan } });
    expect((await rig.run(job)).counts).toMatchObject({ left: 15, updated: 15 });
    expect(await admin.verify({ format })).toMatchObject({ extra: [], missing: [], different: [] });
  },
);

it('corrects users whom something else wrote the audience to, in a first run', async () => {
  const uids = await rig.sandbox.admin.addLabels({ count: 12 });
  const { counts, in_gigya } = await rig.run(jobDocument('something else'));
  expect(uids).toHaveLength(12);
  expect(counts).toMatchObject({ members: MEMBERS, left: 12, updated: 12 });
  expect(in_gigya).toBe(MEMBERS);
  expect(await rig.sandbox.admin.verify()).toMatchObject({ extra: [] });
});

it('fails before it writes when the audience is not open to the API any more', async () => {
  const job = jobDocument('closed');
  await rig.sandbox.admin.patchAudience('vip', { isPublic: false });
  await rig.sandbox.admin.clearJournal();
  const failure = await failureOf(await rig.start(job));
  expect(failure).toMatchObject({ type: 'Configuration' });
  expect(failure.message).toMatch(
    /would remove "vip" from all of them; open it in Lytics, or set config.audiences to "all"/,
  );
  expect(await rig.sandbox.admin.journal()).toEqual([]);
});
