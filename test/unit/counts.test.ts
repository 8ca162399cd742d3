import { describe, expect, it } from 'vitest';
import {
  accountedFor,
  addCounts,
  addFailures,
  breachOfInvariant,
  type Failures,
  noCounts,
  systematicFailure,
} from '../../src/counts.ts';
import { fc } from '../support/property.ts';

const some = fc.nat({ max: 10_000 });
const outcomes = fc.record({
  updated: some,
  unchanged: some,
  excluded: some,
  no_gigya_id: some,
  unknown_uid: some,
  failed: some,
});

describe('the invariant: members + left = updated + unchanged + excluded + no_gigya_id + unknown_uid + failed', () => {
  it('holds when every user seen is accounted for', () => {
    expect(breachOfInvariant(noCounts())).toBeUndefined();
    fc.assert(
      fc.property(outcomes, fc.nat({ max: 50_000 }), (outcome, left) => {
        const accounted = Object.values(outcome).reduce((sum, count) => sum + count, 0);
        fc.pre(left <= accounted);
        expect(accountedFor({ ...noCounts(), ...outcome })).toBe(accounted);
        expect(breachOfInvariant({ members: accounted - left, left, ...outcome })).toBeUndefined();
      }),
    );
  });

  it('is broken by one user too many or too few, in any of the counts', () => {
    fc.assert(
      fc.property(
        outcomes,
        fc.constantFrom(
          'members',
          'left',
          'updated',
          'unchanged',
          'excluded',
          'no_gigya_id',
          'unknown_uid',
          'failed',
        ),
        fc.constantFrom(-1, 1),
        (outcome, name, off) => {
          const members = Object.values(outcome).reduce((sum, count) => sum + count, 0);
          const counts = { members, left: 0, ...outcome };
          expect(breachOfInvariant({ ...counts, [name]: counts[name] + off })).toMatch(
            /^\d+ users were seen, but \d+ are accounted for$/,
          );
        },
      ),
    );
    expect(breachOfInvariant({ ...noCounts(), members: 3, updated: 2 })).toBe(
      '3 users were seen, but 2 are accounted for',
    );
  });
});

describe('counts', () => {
  it('add up, and omitted counts stay unchanged', () => {
    const counts = noCounts();
    addCounts(counts, { members: 5, updated: 3, no_gigya_id: 2 });
    addCounts(counts, { left: 1, unchanged: 1, excluded: 2, unknown_uid: 4, failed: 6, updated: 1 });
    expect(counts).toEqual({
      members: 5,
      left: 1,
      updated: 4,
      unchanged: 1,
      excluded: 2,
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

describe('nearly all users fail for one reason', () => {
  it.each<[handled: number, failures: Failures, reason: string | undefined]>([
    // Fewer than a hundred can fail by accident.
    [99, { unknown_uid: 99 }, undefined],
    [100, { unknown_uid: 100 }, 'unknown_uid'],
    [100, { unknown_uid: 95 }, 'unknown_uid'],
    [100, { unknown_uid: 94 }, undefined],
    // One reason for nearly all: two reasons with half each are accidents.
    [200, { unknown_uid: 100, '400006': 100 }, undefined],
    [200, { '400009': 3, '400006': 192 }, '400006'],
    [5_000, { '400006': 4_900 }, '400006'],
    // Later on, so many were handled well that the records must be at fault.
    [5_001, { '400006': 5_001 }, undefined],
    [1_000, {}, undefined],
  ])('among %i users with %j', (handled, failures, reason) => {
    const message = systematicFailure({ handled, failures });
    if (reason === undefined) expect(message).toBeUndefined();
    else expect(message).toContain(`users failed with ${reason};`);
  });

  it.each<[handled: number, failures: Failures, reason: string | undefined]>([
    [0, {}, undefined],
    [1, { '400006': 1 }, '400006'],
    [2, { '400006': 1 }, undefined],
    [20, { unknown_uid: 19 }, 'unknown_uid'],
    [20, { unknown_uid: 18 }, undefined],
    [10_000, { '400006': 9_600 }, '400006'],
  ])('at the end, however many users there are: %i with %j', (handled, failures, reason) => {
    const message = systematicFailure({ handled, failures }, { isEnd: true });
    if (reason === undefined) expect(message).toBeUndefined();
    else expect(message).toContain(`users failed with ${reason};`);
  });

  it('and the message contains the figures', () => {
    const soFar = { handled: 120, failures: { '400006': 118, unknown_uid: 2 } };
    const advice = 'see 400006 in Gigya\'s "Response Codes and Errors"';
    expect(systematicFailure(soFar)).toBe(`118 of the first 120 users failed with 400006; ${advice}`);
    expect(systematicFailure(soFar, { isEnd: true })).toBe(`118 of 120 users failed with 400006; ${advice}`);
  });

  it.each([
    ['unknown_uid', 'check config.gigya_id_field and that the authorization is for the right site'],
    ['not_in_lytics', 'Lytics does not find its users by config.gigya_id_field'],
    ['imprecise_id', 'store them as text in Lytics'],
    ['too_many_ids', 'check config.gigya_id_field'],
  ])('and the message contains the fix for %s', (reason, advice) => {
    expect(systematicFailure({ handled: 100, failures: { [reason]: 100 } })).toContain(advice);
  });
});
