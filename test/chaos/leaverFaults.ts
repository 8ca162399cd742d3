import assert from 'node:assert/strict';
import type { FaultInput } from '../../sandbox/client.ts';
import { breachOfInvariant } from '../../src/counts.ts';
import type { JobConfig } from '../../src/job.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { atLeavers, depart } from '../support/leavers.ts';
import { type Rig, type RigOptions, startRig } from '../support/rig.ts';
import { type ExportHandle, highestAttempt } from '../support/temporal.ts';
import {
  ANSWERS,
  CONFIGURATION,
  exact,
  type FaultCase,
  gigyaError,
  type Outcome,
  passing,
  patiently,
  RECORD,
  SEARCH,
  stopped,
  untilAttempt,
  WRITE,
} from './faults.ts';

/** More than Gigya returns in one batch, so that there is a cursor. */
const USERS = 1_040;
const LEAVING = { elsewhere: 40, nowhere: 10, deleted: 10 };
const LEAVERS = 60;

const SCAN = 'adhoc_scan';
const PROFILE = 'entity';
/** Ad-hoc scans before the one that reads the memberships of leavers: one proves them, one per 100 carriers. */
const FIRST_SCANS = 12;

interface LeaverFault extends Omit<FaultCase, 'outcome'> {
  outcome: Outcome | { is: 'left alone'; users: number };
}

const lyticsError = (method: string, status: number, more: Partial<FaultInput> = {}): FaultInput => ({
  match: { method },
  action: { kind: 'lytics_error', status },
  ...more,
});

const TRANSIENT = [409030, 500001, 500028, 500034, 504001, 504002];

const searches: LeaverFault[] = [
  {
    name: 'the first searches are refused for the rate',
    faults: [gigyaError(SEARCH, 403048, 1, { times: 2 })],
    outcome: patiently,
    isQuick: true,
  },
  ...TRANSIENT.flatMap((code): LeaverFault[] => [
    {
      name: `${code} answers the first searches`,
      faults: [gigyaError(SEARCH, code, 1, { times: 2 })],
      outcome: exact,
      isQuick: code === 500001,
    },
    {
      name: `${code} answers every search with the cursor, for a while`,
      faults: [gigyaError(SEARCH, code, 1, { match: { method: SEARCH, after: 1 } })],
      meanwhile: passing(untilAttempt(2)),
      outcome: exact,
    },
  ]),
  {
    name: '503001 answers the search with the cursor',
    faults: [gigyaError(SEARCH, 503001, 1, { match: { method: SEARCH, after: 1 }, times: 1 })],
    outcome: exact,
  },
  ...[403002, 403004, 400128].flatMap((code): LeaverFault[] => [
    {
      name: `${code} answers one search`,
      faults: [gigyaError(SEARCH, code, 1, { times: 1 })],
      outcome: exact,
    },
    {
      name: `${code} answers every search`,
      faults: [gigyaError(SEARCH, code)],
      outcome: stopped(new RegExp(`answered ${code}`)),
    },
  ]),
  ...CONFIGURATION.map(
    ([code, advice]): LeaverFault => ({
      name: `${code} answers a search`,
      faults: [gigyaError(SEARCH, code, 1, { match: { method: SEARCH, after: 1 } })],
      outcome: stopped(advice),
      isQuick: code === 403007,
    }),
  ),
  ...RECORD.flatMap((code): LeaverFault[] => [
    {
      name: `${code} refuses the first search`,
      faults: [gigyaError(SEARCH, code, 1, { times: 1 })],
      outcome: stopped(new RegExp(`answered ${code}`)),
      isQuick: code === 400006,
    },
    {
      name: `${code} refuses the cursor once`,
      faults: [gigyaError(SEARCH, code, 1, { match: { method: SEARCH, after: 1 }, times: 1 })],
      outcome: exact,
      isQuick: code === 400006,
    },
  ]),
  {
    name: 'the cursor is refused each time',
    // Each rule sees the first search of each attempt, and not those that another rule has answered.
    faults: [0, 1, 2, 3, 4, 5].map((n) =>
      gigyaError(SEARCH, 400006, 1, { match: { method: SEARCH, after: n + 1 }, times: 1 }),
    ),
    outcome: stopped(/cursor keeps expiring.*searches_per_second/),
    isQuick: true,
  },
];

const scans: LeaverFault[] = [
  { name: 'Lytics answers 401', faults: [lyticsError(SCAN, 401)], outcome: stopped(/correct lytics\.token/) },
  {
    name: 'Lytics answers 401 when the memberships of leavers are read',
    faults: [lyticsError(SCAN, 401, { match: { method: SCAN, after: FIRST_SCANS } })],
    outcome: stopped(/correct lytics\.token/),
    isQuick: true,
  },
  ...[400, 403, 404, 422].flatMap((status): LeaverFault[] => [
    {
      name: `Lytics refuses ad-hoc scans with ${status}`,
      faults: [lyticsError(SCAN, status)],
      outcome: exact,
    },
    {
      name: `Lytics refuses the scan that reads memberships with ${status}`,
      faults: [lyticsError(SCAN, status, { match: { method: SCAN, after: FIRST_SCANS } })],
      outcome: exact,
      isQuick: status === 422,
    },
    {
      name: `Lytics refuses one ad-hoc scan with ${status}`,
      faults: [lyticsError(SCAN, status, { match: { method: SCAN, after: 5 }, times: 1 })],
      outcome: exact,
    },
  ]),
  {
    name: 'Lytics answers 429 three times in a row',
    faults: [lyticsError(SCAN, 429, { times: 3 })],
    outcome: patiently,
    isQuick: true,
  },
  {
    name: 'Lytics answers 429 with a time to come back',
    faults: [
      {
        match: { method: SCAN },
        times: 2,
        action: { kind: 'lytics_error', status: 429, retryAfterSeconds: 1 },
      },
    ],
    outcome: patiently,
  },
  ...[500, 502, 503, 504].flatMap((status): LeaverFault[] => [
    {
      name: `Lytics answers half of the ad-hoc scans with ${status}`,
      faults: [lyticsError(SCAN, status, { rate: 0.5 })],
      outcome: exact,
      isQuick: status === 503,
    },
    {
      name: `Lytics answers every ad-hoc scan with ${status}, for a while`,
      faults: [lyticsError(SCAN, status)],
      meanwhile: passing(untilAttempt(2)),
      outcome: exact,
    },
  ]),
  {
    name: 'Lytics does not know the audience of an ad-hoc scan',
    faults: [{ match: { method: SCAN, after: 2 }, action: { kind: 'audience_deleted' } }],
    outcome: exact,
  },
];

/** Only users whom Lytics does not know are looked up. */
const profiles: LeaverFault[] = [
  {
    name: 'Lytics answers look-ups with 401',
    faults: [lyticsError(PROFILE, 401)],
    outcome: stopped(/lytics\.token/),
  },
  {
    name: 'Lytics answers look-ups with 403',
    faults: [lyticsError(PROFILE, 403)],
    outcome: stopped(/give the token of lytics the permission/),
  },
  {
    name: 'Lytics answers look-ups with 404',
    faults: [lyticsError(PROFILE, 404)],
    outcome: exact,
  },
  ...[400, 422].map(
    (status): LeaverFault => ({
      name: `Lytics refuses look-ups with ${status}`,
      faults: [lyticsError(PROFILE, status)],
      outcome: { is: 'left alone', users: LEAVING.deleted },
      isQuick: status === 400,
    }),
  ),
  {
    name: 'Lytics answers look-ups with 429',
    faults: [lyticsError(PROFILE, 429, { times: 3 })],
    outcome: patiently,
  },
  ...[500, 503].map(
    (status): LeaverFault => ({
      name: `Lytics answers half of the look-ups with ${status}`,
      faults: [lyticsError(PROFILE, status, { rate: 0.5 })],
      outcome: exact,
    }),
  ),
  {
    name: 'look-ups answer "Timed out" now and then',
    faults: [{ match: { method: PROFILE }, rate: 0.5, action: { kind: 'timed_out' } }],
    outcome: exact,
    isQuick: true,
  },
  {
    name: 'look-ups answer "Timed out" where a site refuses ad-hoc scans',
    settings: { lytics: { adHocScan: 403 } },
    faults: [{ match: { method: PROFILE }, rate: 0.02, action: { kind: 'timed_out' } }],
    outcome: exact,
  },
];

const writes: LeaverFault[] = [
  {
    name: 'some writes are refused for the rate',
    faults: [gigyaError(WRITE, 403048, 0.2)],
    outcome: patiently,
    isQuick: true,
  },
  ...TRANSIENT.flatMap((code): LeaverFault[] => [
    {
      name: `${code} answers a third of all writes`,
      faults: [gigyaError(WRITE, code, 0.33)],
      outcome: exact,
      isQuick: code === 504002,
    },
    {
      name: `${code} answers every write, for a while`,
      faults: [gigyaError(WRITE, code)],
      meanwhile: passing(untilAttempt(2)),
      outcome: exact,
    },
    {
      name: `${code} answers writes that were applied`,
      faults: [{ match: { method: WRITE }, rate: 0.2, action: { kind: 'gigya_error', code, applied: true } }],
      outcome: exact,
    },
  ]),
  { name: '503001 answers a write', faults: [gigyaError(WRITE, 503001, 1, { times: 1 })], outcome: exact },
  ...[403002, 403004, 400128].flatMap((code): LeaverFault[] => [
    {
      name: `${code} answers some writes`,
      // Not twice in a row to one user, which would wait for ten seconds.
      faults: [5, 20, 40].map((after) =>
        gigyaError(WRITE, code, 1, { match: { method: WRITE, after }, times: 1 }),
      ),
      outcome: exact,
      isQuick: code === 403002,
    },
    {
      name: `${code} answers every write`,
      faults: [gigyaError(WRITE, code)],
      outcome: stopped(new RegExp(`answered ${code}`)),
    },
  ]),
  ...CONFIGURATION.map(
    ([code, advice]): LeaverFault => ({
      name: `${code} answers a write`,
      faults: [gigyaError(WRITE, code, 1, { match: { method: WRITE, after: 20 } })],
      outcome: stopped(advice),
      isQuick: code === 400020,
    }),
  ),
  ...RECORD.map(
    (code): LeaverFault => ({
      name: `${code} refuses some leavers`,
      faults: [gigyaError(WRITE, code, 0.2)],
      outcome: { is: 'counted', as: 'failed', reason: String(code) },
      isQuick: code === 413003,
    }),
  ),
  {
    name: '403005 answers some writes',
    faults: [gigyaError(WRITE, 403005, 0.2)],
    outcome: { is: 'counted', as: 'unknown_uid' },
    isQuick: true,
  },
  {
    name: '403200 answers some writes: they changed nothing',
    faults: [
      { match: { method: WRITE }, rate: 0.2, action: { kind: 'gigya_error', code: 403200, applied: true } },
    ],
    outcome: { is: 'counted', as: 'unchanged' },
  },
  {
    name: 'Gigya redirects writes',
    faults: [{ match: { method: WRITE, after: 20 }, action: { kind: 'redirect' } }],
    outcome: stopped(/redirected \(HTTP 302\).*correct gigya\.base_url/),
  },
  {
    name: 'the site appends to arrays',
    settings: { gigya: { arrays: 'append' } },
    outcome: stopped(/appends instead of replacing.*config\.gigya_field/),
    isQuick: true,
  },
];

const QUICK_ANSWERS = ['sockets are cut after the call was applied', 'answers never come'];

const transport: LeaverFault[] = ANSWERS.flatMap(([what, action]): LeaverFault[] => [
  {
    name: `${what}, of one call in ten to either service`,
    faults: [{ rate: 0.1, action }],
    outcome: exact,
    isQuick: QUICK_ANSWERS.includes(what),
  },
  {
    name: `${what}, of one call in ten, with the Data Store`,
    faults: [{ rate: 0.1, action }],
    config: { target_storage: 'data_store' },
    outcome: exact,
  },
]);

export const LEAVER_FAULTS: readonly LeaverFault[] = [
  ...searches,
  ...scans,
  ...profiles,
  ...writes,
  ...transport,
];

/** An audience whose members hold what they should, and users who have left it since. */
export interface LeaverRig extends Rig {
  leavers: readonly string[];
}

/** @param withDataStore Whether members are in the Data Store too, which takes a run. */
export async function startLeaverRig(
  options: Omit<RigOptions, 'sandbox' | 'timeoutMs'>,
  withDataStore: boolean,
): Promise<LeaverRig> {
  const rig = await startRig({ ...options, sandbox: { users: USERS, outsiders: 0 }, timeoutMs: 700 });
  const { admin } = rig.sandbox;
  const { expected } = await admin.truth();
  const accounts = Object.entries(expected).map(([uid, labels]) => ({
    uid,
    data: { lytics_segments: labels },
  }));
  await admin.putAccounts(...accounts);
  if (withDataStore) await rig.run(jobDocument('before', { target_storage: 'data_store' }));
  return { ...rig, leavers: Object.values(await depart(rig.sandbox, LEAVING)).flat() };
}

/** Lets a run meet the fault where it looks for leavers, and throws unless it ends as it should. */
export async function meetLeaving(
  rig: LeaverRig,
  { name, faults = [], settings, config, outcome, meanwhile }: LeaverFault,
): Promise<void> {
  const { admin } = rig.sandbox;
  const before = await admin.settings();
  const storage = config?.target_storage ?? 'account';
  await admin.addLabels({ uids: [...rig.leavers], storage });
  await admin.clearJournal();
  let handle: ExportHandle | undefined;
  try {
    if (settings) await admin.patchSettings(settings);
    // By name: which requests are met is drawn from it, and is the same whatever was met before.
    for (const [index, one] of faults.entries()) await admin.addFaults({ id: `${name} ${index}`, ...one });
    handle = await atLeavers(rig, jobDocument('leaving', config), USERS - LEAVERS);
    await meanwhile?.(rig, handle);
    await judge(rig, handle, outcome, storage);
    for (const { fired, match } of await admin.faults())
      assert.ok(fired > 0, `${name}: ${JSON.stringify(match)} was met`);
  } finally {
    // One that did not end as it should would meet the next fault, too.
    await handle?.terminate().catch(() => {});
    await admin.clearFaults();
    await admin.patchSettings(before);
  }
}

async function judge(
  { sandbox: { admin }, leavers }: LeaverRig,
  handle: ExportHandle,
  outcome: LeaverFault['outcome'],
  storage: JobConfig['target_storage'],
): Promise<void> {
  const summary = outcome.is === 'stopped' ? await stoppedBy(handle, outcome.message) : await handle.result();
  // Whatever happened, members are as they were, and nobody but leavers was written.
  const { missing, different, orphans, extra, stale } = await admin.verify({ storage });
  const written = (await admin.journal()).flatMap(({ uid }) => uid ?? []);
  assert.deepEqual([missing, different, orphans], [[], [], []]);
  assert.deepEqual(
    written.filter((uid) => !leavers.includes(uid)),
    [],
  );
  if (!summary) return;
  const { counts, failures, warnings } = summary;
  const met = (await admin.faults()).reduce((sum, { fired }) => sum + fired, 0);
  assert.equal(breachOfInvariant(counts), undefined);
  if (outcome.is === 'left alone') {
    assert.equal(counts.left, LEAVERS - outcome.users);
    assert.equal(extra.length, outcome.users);
    assert.match(warnings.join(), /users in Gigya carry the audience, but this run counted/);
    assert.match(warnings.join(), /Lytics says nothing about [1-9]\d* users who carry the audience/);
    return;
  }
  assert.equal(counts.left, LEAVERS);
  if (outcome.is === 'counted') {
    assert.equal(counts.updated, LEAVERS - met);
    if (outcome.as !== 'unchanged') assert.equal(counts[outcome.as], met);
    if (outcome.reason) assert.deepEqual(failures, { [outcome.reason]: met });
    assert.equal(extra.length, outcome.as === 'unchanged' ? 0 : met);
    return;
  }
  assert.deepEqual([extra, stale], [[], []]);
  assert.equal(counts.failed + counts.unknown_uid, 0);
  if (outcome.is === 'exact' && outcome.attempts)
    assert.equal(await highestAttempt(handle), outcome.attempts, 'waiting costs no attempt');
}

async function stoppedBy(handle: ExportHandle, expected: RegExp): Promise<undefined> {
  const { type, message } = await failureOf(handle);
  assert.equal(type, 'Configuration', message);
  assert.match(message, expected);
}
