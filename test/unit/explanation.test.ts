import { describe, expect, it } from 'vitest';
import { explain, explainBrokenJob, type Facts } from '../../src/activities/explanation.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import type { FailedRow } from '../../src/rows.ts';
import { jobDocument } from '../support/jobs.ts';

const jobWith = (config: Partial<JobDocument['config']>) => parseJob(jobDocument('Test', config));

/** A member whose record Gigya holds, with changes. */
function facts(changes: Partial<Facts> = {}): Facts {
  const held = { lytics_segments: ['vip'] };
  return {
    uid: 'u1',
    job: jobWith({}),
    audience: { slug: 'vip', label: 'vip' },
    profiles: 1,
    membership: 'member',
    isQueryable: true,
    held,
    indexed: held,
    record: { uid: 'u1', data: { lytics_segments: ['vip'] } },
    newestRun: { run_id: 'r1', state: 'completed' },
    ...changes,
  };
}

const NOBODY = { uid: 'u1', data: { lytics_segments: [] } };
const OTHERS = { uid: 'u1', data: { lytics_segments: ['new'] } };

function failed(changes: Partial<FailedRow> = {}): FailedRow {
  return {
    identifier: 'u1',
    operation: 'add',
    status: 'rejected',
    errorCode: '400006',
    statusMessage: 'Invalid parameter value',
    callId: 'c1',
    attempts: 1,
    attemptedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

const steps = (changes: Partial<Facts>) =>
  explain(facts(changes)).steps.map(({ result, what, found }) => `${result} ${what}: ${found}`);
const diagnosis = (changes: Partial<Facts>) => {
  const { diagnosis: sentence, fix } = explain(facts(changes));
  return [sentence, fix];
};

describe('a user is explained step by step', () => {
  it('and a member whose record Gigya holds needs nothing', () => {
    expect(explain(facts())).toEqual({
      uid: 'u1',
      steps: [
        { result: 'PASS', what: 'Lytics user', found: 'found by gy_profile_id' },
        { result: 'PASS', what: 'member', found: 'in "vip"' },
        { result: 'PASS', what: 'Gigya ID', found: 'usable' },
        { result: 'PASS', what: 'newest run', found: 'completed without a failure of this user (run r1)' },
        { result: 'INFO', what: 'Gigya', found: 'holds lytics_segments ["vip"]' },
        { result: 'PASS', what: 'next run', found: 'writes nothing: Gigya already holds the record' },
      ],
      diagnosis: "Gigya holds the user's present record in lytics_segments.",
      fix: null,
    });
  });

  it('with what each step found', () => {
    expect(steps({ profiles: 0, membership: 'none', held: null, newestRun: null, record: NOBODY })).toEqual([
      'FAIL Lytics user: no profile has this UID in gy_profile_id',
      'INFO Gigya ID: usable',
      'INFO newest run: the job has not run yet',
      'FAIL Gigya: no account with this UID on this site',
      'INFO next run: does not write this user',
    ]);
    expect(
      steps({
        job: jobWith({ exclude_segment_ids: ['staff'] }),
        membership: 'excluded',
        isQueryable: false,
        newestRun: { run_id: 'r1', state: 'failed' },
        record: OTHERS,
      }),
    ).toEqual([
      'PASS Lytics user: found by gy_profile_id',
      'PASS member: in "vip"',
      'FAIL exclusion: in an audience that the job excludes (staff)',
      'INFO Gigya ID: a Gigya query cannot contain this UID; each run reads the account instead',
      'INFO newest run: failed; it may not have reached this user (run r1)',
      'INFO Gigya: holds lytics_segments ["vip"]',
      'INFO next run: writes lytics_segments ["new"]',
    ]);
    const excluding = { job: jobWith({ exclude_segment_ids: ['staff'] }) };
    expect(steps(excluding)).toContain('PASS exclusion: in none of staff');
    expect(steps({ membership: 'none', record: OTHERS })).toContain('FAIL member: not in "vip"');
    expect(steps({ newestRun: { run_id: 'r1', state: 'completed', outcome: failed() } })).toContain(
      'FAIL newest run: rejected, code 400006, callId c1: Invalid parameter value (run r1)',
    );
    expect(steps({ profiles: 2 })).toContain(
      'PASS Lytics user: 2 profiles have this UID in gy_profile_id; the one that Lytics finds by it decides',
    );
    expect(steps({ indexed: { lytics_segments: [] } })).toContain(
      'INFO Gigya index: behind: it shows lytics_segments []',
    );
    expect(steps({ indexed: undefined })).toContain(
      'INFO Gigya index: behind: it does not have the user yet',
    );
  });
});

describe('the diagnosis is one sentence and one fix', () => {
  it.each<[string, Partial<Facts>, string, string | null]>([
    ['a UID unknown to both', { profiles: 0, held: null }, 'Neither Lytics nor Gigya knows', 'check the UID'],
    [
      'a user without the ID field in Lytics',
      { profiles: 0, membership: 'none', held: {}, record: NOBODY },
      'No profile in Lytics has this UID in gy_profile_id',
      "give the user's profile the UID",
    ],
    ['a missing ID', { idFault: 'missing' }, 'has no such value in gy_profile_id', 'set gy_profile_id'],
    ['an imprecise ID', { idFault: 'imprecise' }, 'has lost digits', 'store gy_profile_id as text'],
    [
      'too many IDs',
      { idFault: 'too_many' },
      'more UIDs than a page can hold',
      'check config.gigya_id_field',
    ],
    ['a UID that Gigya does not know', { held: null }, 'runs count the user as unknown_uid', 'of this site'],
    [
      'a lite account',
      { held: null, job: jobWith({ lite_accounts: true }) },
      'runs count the user as unknown_uid',
      'expects lite accounts',
    ],
    [
      'a user who is not a member',
      { membership: 'none', held: { lytics_segments: ['new'] }, record: OTHERS },
      'is not a member of "vip", and does not carry it',
      null,
    ],
    [
      'a leaver',
      { membership: 'none', record: OTHERS },
      'still carries it in Gigya; the next run corrects the user',
      'run the job',
    ],
    [
      'a leaver whom Lytics does not know',
      { profiles: 0, membership: 'none', record: NOBODY },
      'still carries it in Gigya; the next run corrects the user',
      'run the job',
    ],
    [
      'a leaver of a job that keeps leavers',
      { membership: 'none', record: OTHERS, job: jobWith({ on_exit: 'keep' }) },
      'config.on_exit is "keep"',
      'set config.on_exit to "update"',
    ],
    [
      'an excluded user',
      { membership: 'excluded', held: {}, record: NOBODY },
      'an audience that the job excludes, and does not carry it',
      'config.exclude_segment_ids',
    ],
    [
      'an excluded user who carries the audience',
      { membership: 'excluded', record: NOBODY },
      'an audience that the job excludes and still carries it in Gigya',
      'run the job',
    ],
    [
      'a rejected record',
      { held: {}, newestRun: { run_id: 'r1', state: 'completed', outcome: failed() } },
      'rejected, code 400006, callId c1: Invalid parameter value',
      'see 400006',
    ],
    [
      'a rejected record that Gigya holds by now',
      { newestRun: { run_id: 'r1', state: 'completed', outcome: failed() } },
      "Gigya holds the user's present record",
      null,
    ],
    [
      'a stale row of a plan',
      { held: {}, newestRun: { run_id: 'r1', state: 'completed', outcome: failed({ status: 'stale' }) } },
      'The applied plan skipped the user',
      'make a new preview',
    ],
    [
      'a closed audience',
      { audience: { slug: 'vip' }, held: {}, record: NOBODY },
      "not open to Lytics' API",
      'open the audience',
    ],
    ['a change since the run', { held: {} }, 'changed since the newest run', 'run the job'],
    [
      'a user before the first run',
      { held: {}, newestRun: null },
      'no run has written the user',
      'run the job',
    ],
    ['several profiles', { profiles: 3 }, '3 profiles in Lytics share this UID', 'merge the profiles'],
    ['an index that lags', { indexed: {} }, 'its index is behind', 'search again'],
    ['a UID that a query cannot contain', { isQueryable: false, indexed: undefined }, 'Gigya holds', null],
  ])('of %s', (_, changes, sentence, fix) => {
    const [said, advice] = diagnosis(changes);
    expect(said).toContain(sentence);
    if (fix === null) expect(advice).toBeNull();
    else expect(advice).toContain(fix);
  });

  it('of a job that cannot run', () => {
    expect(explainBrokenJob('u1', 'gigya: the secret is not valid; correct it')).toEqual({
      uid: 'u1',
      steps: [{ result: 'FAIL', what: 'job', found: 'gigya: the secret is not valid; correct it' }],
      diagnosis: 'The job cannot run, so it writes no user.',
      fix: 'gigya: the secret is not valid; correct it',
    });
  });
});
