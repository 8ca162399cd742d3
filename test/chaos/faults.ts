import assert from 'node:assert/strict';
import type { FaultInput, SettingsPatch } from '../../sandbox/client.ts';
import { accountedFor, breachOfInvariant, type Counts } from '../../src/counts.ts';
import type { JobConfig } from '../../src/job.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import type { Rig } from '../support/rig.ts';
import { type ExportHandle, highestAttempt, pendingActivities } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { changesDue } from '../support/writes.ts';

/** What is done to a run, and what has to come of it. */
export interface FaultCase {
  name: string;
  faults?: FaultInput[];
  settings?: SettingsPatch;
  config?: Partial<JobConfig>;
  /** The Gigya authorization. @default gigya */
  authorization?: string;
  /** Done while the run is under way. */
  meanwhile?: (rig: Rig, handle: ExportHandle) => Promise<unknown>;
  outcome: Outcome;
  /** One of each class, for the quick set. */
  isQuick?: boolean;
}

export type Outcome =
  /** Completed, and every member carries exactly their audiences. */
  | { is: 'exact'; attempts?: 1; mostRefused?: number }
  /** Failed at once, with what to change. */
  | { is: 'stopped'; message: RegExp }
  /** Completed: those that met the fault are counted so, all others are exact. */
  | { is: 'counted'; as: keyof Counts; reason?: string };

export const USERS = 520;

export const WRITE = 'accounts.setAccountInfo';
export const SEARCH = 'accounts.search';
const READ = 'accounts.getAccountInfo';
const SCHEMA = 'accounts.getSchema';

export const exact = { is: 'exact' } as const;
export const patiently = { is: 'exact', attempts: 1 } as const;
export const stopped = (message: RegExp) => ({ is: 'stopped', message }) as const;

export function gigyaError(
  method: string,
  code: number,
  rate = 1,
  more: Partial<FaultInput> = {},
): FaultInput {
  return { match: { method }, rate, action: { kind: 'gigya_error', code }, ...more };
}

/** Holds until the activity has failed so often that it is at this attempt. */
export const untilAttempt = (attempt: number) => (_: Rig, handle: ExportHandle) =>
  until(async () => (await pendingActivities(handle)).some((one) => one.attempt >= attempt));

const untilRefused = (count: number) => (rig: Rig) =>
  until(async () => (await rig.sandbox.admin.faults()).some(({ fired }) => fired >= count));

/** The fault passes once `held` is over. */
export const passing =
  (held: NonNullable<FaultCase['meanwhile']>): NonNullable<FaultCase['meanwhile']> =>
  async (rig, handle) => {
    await held(rig, handle);
    await rig.sandbox.admin.clearFaults();
  };

const waits: FaultCase[] = [
  {
    name: 'some writes are refused for the rate',
    faults: [gigyaError(WRITE, 403048, 0.05)],
    outcome: patiently,
  },
  {
    name: 'some searches are refused for the rate',
    faults: [gigyaError(SEARCH, 403048, 1, { times: 2 })],
    outcome: patiently,
  },
  {
    name: 'the schema is refused for the rate at first',
    faults: [gigyaError(SCHEMA, 403048, 1, { times: 3 })],
    outcome: patiently,
  },
  {
    name: 'every write is refused for the rate, for a while',
    faults: [gigyaError(WRITE, 403048)],
    meanwhile: passing(untilRefused(8)),
    outcome: patiently,
  },
  {
    name: 'the quota is cut to a tenth in the middle of the run',
    settings: { gigya: { callsPerSecond: 1_000, searchesPerSecond: 100 } },
    faults: [
      {
        match: { method: WRITE, after: 60 },
        times: 1,
        action: { kind: 'settings', settings: { gigya: { callsPerSecond: 100, searchesPerSecond: 10 } } },
      },
    ],
    // It slows down, and does not knock until it is let in.
    outcome: { ...patiently, mostRefused: USERS },
  },
];

const transient: FaultCase[] = [409030, 500001, 500028, 500034, 504001, 504002].flatMap(
  (code): FaultCase[] => [
    {
      name: `${code} answers 1 % of all calls to Gigya`,
      faults: [{ match: { provider: 'gigya' }, rate: 0.01, action: { kind: 'gigya_error', code } }],
      outcome: exact,
    },
    {
      name: `${code} answers a third of all writes`,
      faults: [gigyaError(WRITE, code, 0.33)],
      outcome: exact,
      isQuick: code === 500001,
    },
    {
      name: `${code} answers the first searches`,
      faults: [gigyaError(SEARCH, code, 1, { times: 2 })],
      outcome: exact,
    },
    {
      name: `${code} answers the first reads`,
      faults: [gigyaError(READ, code, 1, { times: 2 })],
      outcome: exact,
    },
    {
      name: `${code} answers the first questions for the schema`,
      faults: [gigyaError(SCHEMA, code, 1, { times: 2 })],
      outcome: exact,
    },
    {
      name: `${code} answers every write, for a while`,
      faults: [gigyaError(WRITE, code)],
      meanwhile: passing(untilAttempt(2)),
      outcome: exact,
      isQuick: code === 504001,
    },
    {
      name: `${code} answers writes that were applied`,
      faults: [{ match: { method: WRITE }, rate: 0.2, action: { kind: 'gigya_error', code, applied: true } }],
      outcome: exact,
    },
  ],
);

const unavailable: FaultCase[] = [
  {
    // Gigya asks for a minute before it is called again.
    name: '503001 answers once',
    faults: [gigyaError(WRITE, 503001, 1, { times: 1 })],
    outcome: exact,
  },
];

const once: FaultCase[] = [403002, 403004, 400128].flatMap((code): FaultCase[] => [
  {
    name: `${code} answers now and then`,
    faults: [gigyaError(WRITE, code, 0.05)],
    outcome: exact,
  },
  {
    name: `${code} answers every write`,
    faults: [gigyaError(WRITE, code)],
    outcome: stopped(new RegExp(`answered ${code}`)),
  },
]);

export const CONFIGURATION: [code: number, advice: RegExp][] = [
  [301001, /set gigya\.datacenter/],
  [400001, /gigya\.base_url/],
  [400002, /check gigya\.api_key/],
  [400008, /declare it in the Gigya console/],
  [400020, /declare it as a string field/],
  [400029, /check its write access/],
  [400093, /correct gigya\.api_key/],
  [403000, /permissions of gigya\.user_key/],
  [403003, /correct the secret of gigya/],
  [403006, /correct gigya\.user_key or gigya\.api_key/],
  [403007, /give gigya\.user_key accounts\.\*/],
  [403010, /correct the secret of gigya/],
  [403023, /permissions of gigya\.user_key/],
  [403036, /use target_storage "account"/],
  [405001, /check gigya\.base_url/],
];

const configuration: FaultCase[] = [
  ...CONFIGURATION.flatMap(([code, advice]): FaultCase[] => [
    {
      name: `${code} answers a write`,
      faults: [gigyaError(WRITE, code, 0.03)],
      outcome: stopped(advice),
      isQuick: code === 400020,
    },
    { name: `${code} answers a search`, faults: [gigyaError(SEARCH, code)], outcome: stopped(advice) },
    {
      name: `${code} answers the question for the schema`,
      faults: [gigyaError(SCHEMA, code)],
      outcome: stopped(advice),
    },
  ]),
  {
    name: '403005 speaks of the user key',
    faults: [
      {
        match: { method: WRITE, after: 20 },
        action: { kind: 'gigya_error', code: 403005, details: 'The supplied userkey was not found' },
      },
    ],
    outcome: stopped(/correct gigya\.user_key/),
    isQuick: true,
  },
  {
    name: 'the key is revoked in the middle of the run',
    faults: [
      {
        match: { method: WRITE, after: 100 },
        times: 1,
        action: { kind: 'settings', settings: { gigya: { keyRevoked: true } } },
      },
    ],
    outcome: stopped(/gigya/),
    isQuick: true,
  },
  {
    name: 'Gigya redirects',
    faults: [{ match: { method: WRITE, after: 20 }, action: { kind: 'redirect' } }],
    outcome: stopped(/redirected \(HTTP 302\).*correct gigya\.base_url/),
    isQuick: true,
  },
  {
    name: 'the site appends to arrays',
    settings: { gigya: { arrays: 'append' } },
    outcome: stopped(/appends instead of replacing.*config\.gigya_field/),
    isQuick: true,
  },
];

export const RECORD = [
  404003, 400003, 400004, 400006, 400009, 400022, 400023, 400024, 400025, 400026, 400027, 400302, 400303,
  413003,
];

const records: FaultCase[] = [
  ...RECORD.flatMap((code): FaultCase[] => [
    {
      name: `${code} refuses some users`,
      faults: [gigyaError(WRITE, code, 0.1)],
      outcome: { is: 'counted', as: 'failed', reason: String(code) },
      isQuick: code === 413003,
    },
    {
      name: `${code} refuses every user`,
      faults: [gigyaError(WRITE, code)],
      outcome: stopped(new RegExp(`users failed with ${code}`)),
      isQuick: code === 400006,
    },
    {
      // The checks send the first two.
      name: `${code} refuses every search`,
      faults: [gigyaError(SEARCH, code)],
      outcome: stopped(new RegExp(`search: Gigya answered ${code}`)),
    },
    {
      // Members can be written without a search, leavers cannot be found.
      name: `${code} refuses every search of members`,
      faults: [gigyaError(SEARCH, code, 1, { match: { method: SEARCH, after: 2 } })],
      config: { on_exit: 'keep' },
      outcome: exact,
    },
  ]),
  {
    name: '403005 answers some writes',
    faults: [gigyaError(WRITE, 403005, 0.1)],
    outcome: { is: 'counted', as: 'unknown_uid' },
    isQuick: true,
  },
  {
    name: '403005 answers every write',
    faults: [gigyaError(WRITE, 403005)],
    outcome: stopped(/check config\.gigya_id_field/),
    isQuick: true,
  },
  {
    name: '403200 answers some writes: there was nothing to do',
    faults: [
      { match: { method: WRITE }, rate: 0.1, action: { kind: 'gigya_error', code: 403200, applied: true } },
    ],
    outcome: { is: 'counted', as: 'unchanged' },
    isQuick: true,
  },
];

export const ANSWERS: [what: string, action: FaultInput['action']][] = [
  ['sockets are cut', { kind: 'cut' }],
  ['sockets are cut after the call was applied', { kind: 'cut', applied: true }],
  ['a proxy answers HTML', { kind: 'html' }],
  ['a proxy answers HTML after the call was applied', { kind: 'html', applied: true, status: 504 }],
  ['answers never come', { kind: 'silence' }],
  ['answers never come to calls that were applied', { kind: 'silence', applied: true }],
  ['answers begin and never end', { kind: 'drip' }],
  ['answers begin and never end to calls that were applied', { kind: 'drip', applied: true }],
];

const transport: FaultCase[] = ANSWERS.flatMap(([what, action]): FaultCase[] => [
  {
    name: `${what}, of one call in twenty to Gigya`,
    faults: [{ match: { provider: 'gigya' }, rate: 0.05, action }],
    outcome: exact,
    isQuick: 'applied' in action,
  },
  {
    name: `${what}, of one call in three to Gigya`,
    faults: [{ match: { provider: 'gigya' }, rate: 0.33, action }],
    outcome: exact,
  },
  {
    name: `${what}, of every other call to Lytics`,
    faults: [{ match: { provider: 'lytics' }, rate: 0.5, action }],
    outcome: exact,
  },
  {
    name: `${what}, of one call in five to the Data Store`,
    faults: [{ match: { path: '^/ds' }, rate: 0.2, action }],
    config: { target_storage: 'data_store' },
    outcome: exact,
  },
  {
    name: `${what}, of all writes, for a while`,
    faults: [{ match: { method: WRITE }, action }],
    meanwhile: passing(untilRefused(25)),
    outcome: exact,
  },
]);

const clocks: FaultCase[] = ['gigya-signature', 'gigya-rsa'].flatMap((authorization): FaultCase[] =>
  [300, -300].flatMap((clockSkewSeconds): FaultCase[] => [
    {
      name: `Gigya's clock is ${clockSkewSeconds} s ahead (${authorization})`,
      settings: { gigya: { clockSkewSeconds } },
      authorization,
      outcome: patiently,
      isQuick: clockSkewSeconds > 0,
    },
    {
      name: `Gigya's clock jumps by ${clockSkewSeconds} s in the middle of the run (${authorization})`,
      faults: [
        {
          match: { method: WRITE, after: 100 },
          times: 1,
          action: { kind: 'settings', settings: { gigya: { clockSkewSeconds } } },
        },
      ],
      authorization,
      outcome: exact,
    },
  ]),
);

const lytics: FaultCase[] = [
  {
    name: 'Lytics answers 401 in the middle of the run',
    faults: [{ match: { method: 'scan', after: 2 }, action: { kind: 'lytics_error', status: 401 } }],
    outcome: stopped(/correct lytics\.token/),
    isQuick: true,
  },
  {
    name: 'Lytics answers 403 in the middle of the run',
    faults: [{ match: { method: 'scan', after: 1 }, action: { kind: 'lytics_error', status: 403 } }],
    outcome: stopped(/give the token of lytics the permission/),
  },
  {
    name: 'Lytics answers 429 six times on end',
    faults: [
      { match: { method: 'scan', after: 1 }, times: 6, action: { kind: 'lytics_error', status: 429 } },
    ],
    outcome: patiently,
    isQuick: true,
  },
  {
    name: 'Lytics answers 429 and says when to come back',
    faults: [
      {
        match: { method: 'scan' },
        times: 2,
        action: { kind: 'lytics_error', status: 429, retryAfterSeconds: 1 },
      },
    ],
    outcome: patiently,
  },
  ...[500, 502, 503, 504].map(
    (status): FaultCase => ({
      name: `Lytics answers half of all calls with ${status}`,
      faults: [{ match: { provider: 'lytics' }, rate: 0.5, action: { kind: 'lytics_error', status } }],
      outcome: exact,
      isQuick: status === 503,
    }),
  ),
  {
    name: 'Lytics answers every scan with 500, for a while',
    faults: [{ match: { method: 'scan', after: 1 }, action: { kind: 'lytics_error', status: 500 } }],
    meanwhile: passing(untilAttempt(2)),
    outcome: exact,
  },
  {
    name: 'profiles answer "Timed out" now and then',
    settings: { lytics: { rowSegments: 'none' } },
    faults: [{ match: { method: 'entity' }, rate: 0.1, action: { kind: 'timed_out' } }],
    outcome: exact,
    isQuick: true,
  },
  {
    name: 'a cursor expires',
    faults: [{ match: { path: 'start=', after: 1 }, times: 1, action: { kind: 'expired_cursor' } }],
    outcome: exact,
  },
  {
    name: 'a page comes twice',
    faults: [{ match: { path: 'start=' }, times: 1, action: { kind: 'repeat_page' } }],
    outcome: exact,
    isQuick: true,
  },
  {
    name: 'the total is short',
    faults: [{ match: { method: 'scan' }, action: { kind: 'total', add: -100 } }],
    outcome: exact,
    isQuick: true,
  },
  {
    name: 'the total is over',
    faults: [{ match: { method: 'scan' }, action: { kind: 'total', add: 100 } }],
    outcome: exact,
  },
  {
    name: 'the audience is deleted in the middle of the run',
    faults: [{ match: { path: '/segment/', after: 3 }, action: { kind: 'audience_deleted' } }],
    outcome: stopped(/Lytics does not have the audience .* any more.*config\.segment_id/),
    isQuick: true,
  },
  {
    name: 'the cursor is a scroll position, and answers with it are lost',
    settings: { lytics: { cursor: 'scroll' } },
    faults: [{ match: { method: 'scan', after: 1 }, times: 1, action: { kind: 'cut', applied: true } }],
    outcome: exact,
  },
];

export const FAULTS: readonly FaultCase[] = [
  ...waits,
  ...transient,
  ...unavailable,
  ...once,
  ...configuration,
  ...records,
  ...transport,
  ...clocks,
  ...lytics,
];

/** Lets a run meet the fault, and throws unless it ends as it should. */
export async function meet(
  rig: Rig,
  { name, faults = [], settings, config, authorization, ...fault }: FaultCase,
): Promise<void> {
  const { admin } = rig.sandbox;
  const before = await admin.settings();
  const storage = config?.target_storage ?? 'account';
  await admin.change(10_000);
  await admin.clearJournal();
  await admin.clearStats();
  const due = (await changesDue(admin, { storage })).length;
  let handle: ExportHandle | undefined;
  try {
    if (settings) await admin.patchSettings(settings);
    // By name: which requests are met is drawn from it, and is the same whatever was met before.
    for (const [index, one] of faults.entries()) await admin.addFaults({ id: `${name} ${index}`, ...one });
    handle = await rig.start(jobDocument('faulty', config, authorization));
    await fault.meanwhile?.(rig, handle);
    await judge(rig, handle, fault.outcome, { storage, due });
    for (const { fired, match } of await admin.faults())
      assert.ok(fired > 0, `${name}: ${JSON.stringify(match)} was met`);
  } finally {
    // One that did not end as it should would meet the next fault, too.
    await handle?.terminate().catch(() => {});
    await admin.clearFaults();
    await admin.patchSettings(before);
  }
}

interface Aim {
  storage: JobConfig['target_storage'];
  /** Members that the run has to write. */
  due: number;
}

async function judge(rig: Rig, handle: ExportHandle, outcome: Outcome, { storage, due }: Aim): Promise<void> {
  const { admin } = rig.sandbox;
  if (outcome.is === 'stopped') {
    const { type, message } = await failureOf(handle);
    assert.equal(type, 'Configuration', message);
    assert.match(message, outcome.message);
    // Stopped by the first pages: most of the quota is left.
    assert.ok((await admin.journal()).length < USERS);
    return;
  }
  const { counts, failures, scans } = await handle.result();
  assert.equal(breachOfInvariant(counts), undefined);
  const { missing, different, extra, orphans } = await admin.verify({ storage });
  if (outcome.is === 'counted') {
    const met = (await admin.faults()).reduce((sum, { fired }) => sum + fired, 0);
    assert.equal(counts.updated, due - met);
    assert.equal(counts[outcome.as], outcome.as === 'unchanged' ? USERS - counts.updated : met);
    if (outcome.reason) assert.deepEqual(failures, { [outcome.reason]: met });
    assert.equal(missing.length + different.length, outcome.as === 'unchanged' ? 0 : met);
    return;
  }
  assert.deepEqual(
    { missing, different, extra, orphans },
    { missing: [], different: [], extra: [], orphans: [] },
  );
  assert.equal(counts.failed + counts.unknown_uid, 0);
  if (scans === 1) assert.equal(accountedFor(counts), USERS);
  if (outcome.mostRefused !== undefined) {
    const { calls } = await admin.stats();
    const refused = Object.values(calls).reduce((sum, outcomes) => sum + (outcomes['403048'] ?? 0), 0);
    assert.ok(refused <= outcome.mostRefused, `${refused} calls were refused for the rate`);
  }
  if (outcome.attempts)
    assert.equal(await highestAttempt(handle), outcome.attempts, 'waiting costs no attempt');
}
