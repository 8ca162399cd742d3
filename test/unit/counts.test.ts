import { describe, expect, it } from 'vitest';
import {
  accountedFor,
  addCounts,
  addFailures,
  breachOfLaw,
  type Failures,
  noCounts,
  systematicFailure,
} from '../../src/counts.ts';
import { fc } from '../support/property.ts';

const some = fc.nat({ max: 10_000 });
const fates = fc.record({
  updated: some,
  unchanged: some,
  no_gigya_id: some,
  unknown_uid: some,
  failed: some,
});

describe('the law: members + left = updated + unchanged + no_gigya_id + unknown_uid + failed', () => {
  it('holds when everybody seen is accounted for', () => {
    expect(breachOfLaw(noCounts())).toBeUndefined();
    fc.assert(
      fc.property(fates, fc.nat({ max: 50_000 }), (fate, left) => {
        const accounted = Object.values(fate).reduce((sum, count) => sum + count, 0);
        fc.pre(left <= accounted);
        expect(accountedFor({ ...noCounts(), ...fate })).toBe(accounted);
        expect(breachOfLaw({ members: accounted - left, left, ...fate })).toBeUndefined();
      }),
    );
  });

  it('is broken by one user too many or too few, in any of the counts', () => {
    fc.assert(
      fc.property(
        fates,
        fc.constantFrom('members', 'left', 'updated', 'unchanged', 'no_gigya_id', 'unknown_uid', 'failed'),
        fc.constantFrom(-1, 1),
        (fate, name, off) => {
          const members = Object.values(fate).reduce((sum, count) => sum + count, 0);
          const counts = { members, left: 0, ...fate };
          expect(breachOfLaw({ ...counts, [name]: counts[name] + off })).toMatch(
            /^\d+ users were seen, but \d+ are accounted for$/,
          );
        },
      ),
    );
    expect(breachOfLaw({ ...noCounts(), members: 3, updated: 2 })).toBe(
      '3 users were seen, but 2 are accounted for',
    );
  });
});

describe('counts', () => {
  it('add up, and what is not given stays', () => {
    const counts = noCounts();
    addCounts(counts, { members: 5, updated: 3, no_gigya_id: 2 });
    addCounts(counts, { left: 1, unchanged: 1, unknown_uid: 4, failed: 6, updated: 1 });
    expect(counts).toEqual({
      members: 5,
      left: 1,
      updated: 4,
      unchanged: 1,
      no_gigya_id: 2,
      unknown_uid: 4,
      failed: 6,
    });
  });

  it('of failures add up by reason', () => {
    const failures: Failures = { '400006': 2 };
    addFailures(failures, { '400006': 1, not_in_lytics: 3 });
    expect(failures).toEqual({ '400006': 3, not_in_lytics: 3 });
  });
});

describe('a failure is no accident of one record when nearly all of the first users meet it', () => {
  it.each<[handled: number, failures: Failures, reason: string | undefined]>([
    // A hundred have to tell.
    [99, { '403005': 99 }, undefined],
    [100, { '403005': 100 }, '403005'],
    [100, { '403005': 95 }, '403005'],
    [100, { '403005': 94 }, undefined],
    // One reason for nearly all: two with half each are accidents.
    [200, { '403005': 100, '400006': 100 }, undefined],
    [200, { '400009': 3, '400006': 192 }, '400006'],
    [5_000, { '400006': 4_900 }, '400006'],
    // Later on, so many were handled well that the records must be at fault.
    [5_001, { '400006': 5_001 }, undefined],
    [1_000, {}, undefined],
  ])('of %i users, %j', (handled, failures, reason) => {
    const told = systematicFailure(handled, failures);
    if (reason === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(`were refused with ${reason};`);
  });

  it('and tells how many', () => {
    expect(systematicFailure(120, { '400006': 118, '403005': 2 })).toBe(
      '118 of the first 120 users were refused with 400006; see 400006 in Gigya\'s "Response Codes and Errors"',
    );
  });

  it('and what to change, where that is known', () => {
    expect(systematicFailure(100, { not_in_lytics: 100 })).toMatch(
      /Lytics does not find its users by config.gigya_id_field/,
    );
  });
});
