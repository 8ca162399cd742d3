import { describe, expect, it } from 'vitest';
import { type LanesProof, proveLanes } from '../../src/activities/proveLanes.ts';
import type { Lytics, ScanPage } from '../../src/lytics/client.ts';
import { unanswered } from '../../src/lytics/errors.ts';
import { fakeAttempt } from '../support/fakeAttempt.ts';
import { fakeLytics, pageOf, refuse } from '../support/fakeLytics.ts';

interface Site {
  lanes?: number;
  size?: number | undefined;
  /** The first page of a lane, by its first hundredth. */
  lane?: (first: number) => ScanPage | Promise<ScanPage>;
  total?: number | undefined;
}

const ownRow = (first: number, total: number | undefined = 1_000) =>
  pageOf([{ gy_profile_id: `of ${first}` }], { total });

function prove({ lanes = 10, lane = ownRow, ...site }: Site): Promise<LanesProof> {
  const total = 'total' in site ? site.total : 10_000;
  const size = 'size' in site ? site.size : 10_000;
  const scan: Lytics['scan'] = async (_id, _start, { hundredths } = {}) =>
    hundredths ? lane(hundredths[0] ?? 0) : pageOf([{ gy_profile_id: 'of 0' }], { total });
  const lytics = fakeLytics({ lanes, scan });
  return proveLanes({ lytics, audience: 'a1', idField: 'gy_profile_id', size }, fakeAttempt());
}

describe('lanes are used', () => {
  it('when they share no user and their totals add up', async () => {
    expect(await prove({})).toEqual({
      lanes: { count: 10, total: 10_000 },
      found: 'scans run in 10 lanes, which hold 10,000 users together',
    });
  });

  it('when users join or leave meanwhile', async () => {
    expect((await prove({ total: 10_010 })).lanes).toEqual({ count: 10, total: 10_010 });
  });

  it('as many as the setting says', async () => {
    const lane = (first: number) => ownRow(first, 2_500);
    expect((await prove({ lanes: 4, lane })).lanes).toEqual({ count: 4, total: 10_000 });
  });
});

it('fewer lanes are read at once when Lytics asked to slow down', async () => {
  const lane = (first: number) => ({ ...ownRow(first), slowed: first === 30 });
  expect(await prove({ lane })).toEqual({
    lanes: { count: 10, total: 10_000, at_once: 5 },
    found:
      'scans run in 10 lanes, which hold 10,000 users together; 5 at once at first, since Lytics asked to slow down (429)',
  });
});

describe('a scan has one lane', () => {
  it.each<[when: string, site: Site, reason: RegExp]>([
    ['by the setting', { lanes: 1 }, /limits\.lanes of "lytics" is 1$/],
    ['in a small audience', { size: 999 }, /the audience is small$/],
    ['without a size', { size: undefined }, /no total to prove several by$/],
    ['without a total', { total: undefined }, /no total to prove several by$/],
    [
      'without the total of a lane',
      { lane: (n) => ({ ...ownRow(n), total: n ? 1_000 : undefined }) },
      /no total/,
    ],
    ['that Lytics does not split', { lane: () => ownRow(0) }, /ignores "splits" \(several lanes begin with/],
    ['when users are missing', { total: 10_011 }, /would hold 10,000 users together, but .* has 10,011$/],
    ['when users are in several lanes', { total: 9_000 }, /10,000 users together, but .* has 9,000$/],
    [
      'when Lytics refuses',
      { lane: () => Promise.reject(refuse(400)) },
      /refuses "splits" \(Lytics refuses\)$/,
    ],
    [
      'when a lane has no answer',
      { lane: () => Promise.reject(unanswered('timed out')) },
      /did not answer several scans at once \(timed out\); the next run tries again$/,
    ],
  ])('%s', async (_when, site, reason) => {
    const proof = await prove(site);
    expect(proof.lanes).toBeUndefined();
    expect(proof.found).toMatch(/^scans run in one lane: /);
    expect(proof.found).toMatch(reason);
  });

  it('but an error of our own is not hidden', async () => {
    await expect(prove({ lane: () => Promise.reject(new TypeError('x')) })).rejects.toThrow(TypeError);
  });
});
