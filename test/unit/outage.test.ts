import { describe, expect, it, vi } from 'vitest';
import { Unanswered } from '../../src/activities/outage.ts';
import { decide, GigyaError } from '../../src/gigya/errors.ts';

const noAnswer = (message = 'no answer') =>
  new GigyaError(message, decide('accounts.setAccountInfo', 500028));
const works = async () => {};

describe('records without an answer', () => {
  it('are left for later', () => {
    const unanswered = new Unanswered<string>();
    unanswered.add('a', noAnswer());
    expect(unanswered.has('a')).toBe(true);
    expect(unanswered.has('b')).toBe(false);
  });

  it('indicate an outage after twenty in a row', () => {
    const unanswered = new Unanswered<number>();
    for (let n = 1; n < 20; n++) unanswered.add(n, noAnswer());
    const last = noAnswer('the twentieth');
    expect(() => unanswered.add(20, last)).toThrow(last);
  });

  it('do not indicate an outage while others get an answer', () => {
    const unanswered = new Unanswered<number>();
    for (let n = 1; n < 100; n++) {
      unanswered.add(n, noAnswer());
      if (n % 19 === 0) unanswered.answered();
    }
    expect(unanswered.has(99)).toBe(true);
  });
});

describe('at the end of a page', () => {
  const withTwo = () => {
    const unanswered = new Unanswered<string>();
    unanswered.add('a', noAnswer('first'));
    unanswered.add('b', noAnswer('second'));
    return unanswered;
  };

  it('no record is given up or probed when all were answered', async () => {
    const probe = vi.fn(works);
    expect(await new Unanswered<string>().giveUp(9, probe)).toEqual([]);
    expect(probe).not.toHaveBeenCalled();
  });

  it.each([1, 4])('attempt %i leaves them to the next one', async (attempt) => {
    const probe = vi.fn(works);
    await expect(withTwo().giveUp(attempt, probe)).rejects.toThrow('first');
    expect(probe).not.toHaveBeenCalled();
  });

  it.each([5, 50])('attempt %i gives them up when a good record passes five times', async (attempt) => {
    const probe = vi.fn(works);
    const givenUp = await withTwo().giveUp(attempt, probe);
    expect(givenUp.map(({ record, error }) => [record, error.reason])).toEqual([
      ['a', '500028'],
      ['b', '500028'],
    ]);
    expect(probe).toHaveBeenCalledTimes(5);
  });

  it('gives up no record when the good record fails once in five calls', async () => {
    const down = noAnswer('the service is down');
    let calls = 0;
    const probe = async () => {
      if (++calls === 5) throw down;
    };
    await expect(withTwo().giveUp(50, probe)).rejects.toBe(down);
  });

  it('gives up no record when no record was ever answered', async () => {
    await expect(withTwo().giveUp(50, undefined)).rejects.toThrow('first');
  });
});
