import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FaultInput } from '../../sandbox/client.ts';
import type { LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import type { JobConfig } from '../../src/job.ts';
import { TASK_QUEUE } from '../../src/names.ts';
import type { ChangedRow } from '../../src/rows.ts';
import {
  addMembers,
  assertExact,
  held,
  type Mortals,
  startMortals,
  untilApproval,
  untilHeld,
  WRITES,
} from '../chaos/leaverKills.ts';
import { refusalOf } from '../support/failure.ts';
import { depart } from '../support/leavers.ts';
import { referenceTo, rowsOf, startRows } from '../support/rows.ts';
import { type ExportHandle, pendingActivities } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { appliedWrites } from '../support/writes.ts';

const MEMBERS = 2_000;

interface Case {
  audience: string;
  storage: JobConfig['target_storage'];
  members: number;
  left: number;
  /** Whether the guard waits for approval, and whether it is given before the worker is killed again. */
  guard: 'passes' | 'approved before' | 'approved after';
}

const CASES: readonly Case[] = [
  { audience: 'vip', storage: 'account', members: MEMBERS, left: 60, guard: 'passes' },
  { audience: 'vip', storage: 'data_store', members: MEMBERS, left: 60, guard: 'passes' },
  { audience: 'nineteen', storage: 'account', members: 200, left: 38, guard: 'passes' },
  { audience: 'twenty_one', storage: 'account', members: 200, left: 42, guard: 'approved before' },
  { audience: 'held_back', storage: 'data_store', members: 200, left: 42, guard: 'approved after' },
  { audience: 'emptied', storage: 'data_store', members: 110, left: 110, guard: 'approved before' },
  { audience: 'empty_and_held', storage: 'account', members: 110, left: 110, guard: 'approved after' },
];

let mortals: Mortals;
let admin: Mortals['sandbox']['admin'];
beforeAll(async () => {
  mortals = await startMortals(MEMBERS);
  admin = mortals.sandbox.admin;
  for (const { audience, members } of CASES.slice(2)) {
    await admin.addAudience({ slug: audience });
    await addMembers(mortals, audience, members);
  }
  const runs = await Promise.all(CASES.map(start));
  await Promise.all(runs.map((run) => run.result()));
}, 120_000);
afterAll(() => mortals.stop());

const start = ({ audience, storage }: Case) =>
  mortals.start({ segment_id: audience, target_storage: storage });

/** Everybody who is, or was, a member of an audience that was added here. */
const writesTo = async (audience: string) =>
  (await admin.journal()).filter(({ uid }) => uid?.startsWith(`${audience}-`));

/** How often a run has begun to search. */
async function searchesOf(run: ExportHandle): Promise<number> {
  const { events } = await run.fetchHistory();
  return (events ?? []).filter(({ activityTaskScheduledEventAttributes: task }) => {
    const [payload] = task?.input?.payloads ?? [];
    if (task?.activityType?.name !== 'fetchLeavers' || !payload) return false;
    return defaultPayloadConverter.fromPayload<LeaversToFetch>(payload).cursor === null;
  }).length;
}

it('corrects exactly the leavers of every case when the worker is killed in every step', async () => {
  await depart(mortals.sandbox, { elsewhere: 30, nowhere: 20, deleted: 10 });
  await addMembers(mortals, 'vip', 30);
  for (const { audience, left } of CASES.slice(2)) await admin.leave(left, audience);
  await admin.clearJournal();
  const runs = new Map<Case, ExportHandle>();
  const all = () => [...runs.values()];
  const those = (...guards: Case['guard'][]) =>
    [...runs].flatMap(([{ guard }, run]) => (guards.includes(guard) ? [run] : []));

  // The first run is held at its second batch of carriers, the others at their first: the killed attempt's cursor dies.
  await admin.addFaults(held('worker', { method: 'adhoc_scan', after: 11 }));
  for (const one of CASES) {
    runs.set(one, await start(one));
    if (runs.size === 1) await untilHeld(mortals, 'fetchLeavers', all());
  }
  await untilHeld(mortals, 'fetchLeavers', all());
  await admin.patchSettings({ gigya: { cursorLifeSeconds: 5 } });
  await mortals.kill('worker', all());

  await admin.addFaults(
    { match: { method: 'accounts.search' }, action: { kind: 'gigya_error', code: 403048 }, times: 2 },
    ...WRITES.map((method) => held('worker', { method, after: 20 })),
  );
  for (const [{ audience, left, members, guard }, run] of runs) {
    if (guard === 'passes') continue;
    expect(await untilApproval(run)).toMatchObject({ removals: left, carriers: members });
    expect(await refusalOf(run.executeUpdate('approve', { args: [{ removals: left - 1 }] }))).toContain(
      `${left}`,
    );
    expect(await writesTo(audience)).toEqual([]);
    if (guard === 'approved before') await run.executeUpdate('approve', { args: [{ removals: left }] });
  }
  await untilHeld(mortals, 'updateGigya', those('passes', 'approved before'));
  await admin.patchSettings({ gigya: { cursorLifeSeconds: 300 } });
  await mortals.kill('worker', all());
  for (const [{ audience, left, guard }, run] of runs) {
    if (guard !== 'approved after') continue;
    expect(await writesTo(audience)).toEqual([]);
    await run.executeUpdate('approve', { args: [{ removals: left }] });
  }

  for (const [{ audience, left }, run] of runs) {
    const { counts } = await run.result();
    expect({ audience, ...counts }).toMatchObject({ audience, left, failed: 0, unknown_uid: 0 });
  }
  for (const { audience, storage } of CASES) await assertExact(mortals, audience, storage);
  const [first] = all();
  expect(first && (await searchesOf(first))).toBe(2);
}, 240_000);

it('applies exactly the plans, and retries exactly the failures, when the worker is killed in the middle', async () => {
  const [account, store] = WRITES;
  const worker = { client: mortals.client, taskQueue: TASK_QUEUE };
  await admin.change(150);
  await depart(mortals.sandbox, { elsewhere: 20, nowhere: 20, deleted: 10 });
  await admin.addAudience({ slug: 'retried' });
  const failing = (await addMembers(mortals, 'retried', 120)).filter((_, n) => n % 2 === 0);

  async function preview(target_storage: JobConfig['target_storage']) {
    const document = mortals.document({ target_storage, dry_run: true });
    const run = await mortals.start(document);
    await run.result();
    const reference = await referenceTo(run);
    const plan = await rowsOf(worker, reference, 'changed');
    return { plan, apply: () => startRows(worker, document, 'plan', reference) };
  }
  const retried = mortals.document({ segment_id: 'retried' });
  await admin.addFaults(
    ...failing.map((uid): FaultInput => {
      return { match: { method: account, uid }, action: { kind: 'gigya_error', code: 400006 } };
    }),
  );
  const failed = await mortals.start(retried);
  expect((await failed.result()).counts).toMatchObject({ members: 120, updated: 60, failed: 60 });
  await admin.clearFaults();
  const [changing, removing] = await Promise.all([preview('account'), preview('data_store')]);
  await admin.clearJournal();

  // One dies while it writes the other rows, one while it removes the audience, and a retry: half of each is written.
  const uidsOf = (plan: ChangedRow[], isWanted: (row: ChangedRow) => boolean) =>
    plan.filter(isWanted).map(({ uid }) => uid);
  const others = uidsOf(changing.plan, ({ operation }) => operation !== 'remove');
  const removed = uidsOf(removing.plan, ({ operation }) => operation === 'remove');
  expect([others.length > 60, removed.length]).toEqual([true, 50]);
  const second = <T>(list: T[]) => list.slice(list.length / 2);
  const holding = [
    ...[...second(others), ...second(failing)].map((uid) => ({ method: account, uid })),
    ...second(removed).map((uid) => ({ method: store, uid })),
  ];
  await admin.addFaults(...holding.map((match) => held('worker', match)));
  const runs = [
    await changing.apply(),
    await removing.apply(),
    await startRows(worker, retried, 'failures', await referenceTo(failed)),
  ];
  await until(
    async () => {
      const fired = new Set(
        (await admin.faults()).flatMap(({ fired: times, match }) =>
          times > 0 && match.uid ? [match.uid] : [],
        ),
      );
      const all = await Promise.all(runs.map(pendingActivities));
      return (
        [others, removed, failing].every((uids) => uids.some((uid) => fired.has(uid))) &&
        all.every((pending) => pending.some(({ type }) => type === 'updateGigya'))
      );
    },
    { limitMs: 120_000 },
  );
  const before = (await appliedWrites(admin)).length;
  expect(before).toBeLessThan(changing.plan.length + removing.plan.length + failing.length);
  await mortals.kill('worker', runs);

  const counts = await Promise.all(runs.map(async (run) => (await run.result()).counts));
  const handled = [changing.plan.length, removing.plan.length, failing.length];
  expect(counts.map(({ updated, unchanged }) => updated + unchanged)).toEqual(handled);
  for (const one of counts) expect(one).toMatchObject({ failed: 0, unknown_uid: 0 });
  // Row by row, and no row twice: what the dead worker wrote without an answer is read before it is written again.
  const writes = await appliedWrites(admin);
  const writesBy = (wanted: string) =>
    writes.filter(({ method }) => method === wanted).map(({ uid, data }) => [uid, data]);
  const rows = ({ plan }: typeof changing) => plan.map(({ uid, after }) => [uid, after]);
  const ofRetry = ([uid]: unknown[]) => typeof uid === 'string' && uid.startsWith('retried-');
  expect(writesBy(store).sort()).toEqual(rows(removing).sort());
  expect(
    writesBy(account)
      .filter((write) => !ofRetry(write))
      .sort(),
  ).toEqual(rows(changing).sort());
  expect(
    writesBy(account)
      .filter(ofRetry)
      .map(([uid]) => uid)
      .sort(),
  ).toEqual([...failing].sort());
  await assertExact(mortals, 'vip', 'account');
  await assertExact(mortals, 'vip', 'data_store');
  await assertExact(mortals, 'retried', 'account');
}, 240_000);
