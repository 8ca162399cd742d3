import { describe, expect, it } from 'vitest';
import { adviceOn, decide, type Refusal } from '../../src/gigya/errors.ts';

const CONFIGURATION = [
  301001, 400001, 400002, 400008, 400020, 400029, 400093, 403000, 403003, 403006, 403007, 403010, 403023,
  403036, 405001,
];

/** The table of reference "Errors": what to do about each code. */
const TABLE: [what: string, codes: number[], decision: Partial<Refusal>][] = [
  ['the rate limit is no failure', [403048], { retry: 'now', scope: 'job', handling: 'slow_down' }],
  [
    'back off and retry',
    [409030, 500001, 500028, 500034, 504001, 504002],
    { retry: 'now', scope: 'job', handling: 'none' },
  ],
  [
    'retry after a minute',
    [503001],
    { retry: 'later', scope: 'job', handling: 'none', retryAfterMs: 60_000 },
  ],
  [
    'correct the clock or the nonce and retry once',
    [403002, 403004, 400128],
    { retry: 'briefly', scope: 'job', handling: 'mend' },
  ],
  ['stop the run', CONFIGURATION, { retry: 'never', scope: 'job', handling: 'none' }],
  [
    'record it and go on',
    [
      404003, 400003, 400004, 400006, 400009, 400022, 400023, 400024, 400025, 400026, 400027, 400302, 400303,
      413003,
    ],
    { retry: 'never', scope: 'record', handling: 'none' },
  ],
];

describe('the decision on an errorCode', () => {
  const rows = TABLE.flatMap(([what, codes, decision]) =>
    codes.map((code) => [code, what, decision] as const),
  );
  it.each(rows)('%i: %s', (code, _what, decision) => {
    expect(decide('accounts.setAccountInfo', code, 'whatever')).toMatchObject({
      ...decision,
      reason: String(code),
    });
  });

  it('of 403200 is that no change was needed', () => {
    expect(decide('accounts.setAccountInfo', 403200)).toMatchObject({
      retry: 'never',
      scope: 'record',
      reason: 'unchanged',
    });
  });

  it.each<[code: number, details: string | undefined]>([
    [403005, 'Unauthorized user'],
    [403005, undefined],
    [403005, ''],
    [403047, 'There is no user with that loginID'],
  ])('of %i with %j is an unknown UID', (code, details) => {
    expect(decide('accounts.setAccountInfo', code, details)).toMatchObject({
      retry: 'never',
      scope: 'record',
      reason: 'unknown_uid',
    });
  });

  it.each(['The supplied userkey was not found', 'The supplied userKey was not found', 'Unknown user key'])(
    'of 403005 with %j is an unknown user key: stop the run',
    (details) => {
      expect(decide('accounts.setAccountInfo', 403005, details)).toMatchObject({
        retry: 'never',
        scope: 'job',
      });
    },
  );

  it('of a code that is not listed follows its family', () => {
    for (const code of [500_999, 504_999]) {
      expect(decide('accounts.setAccountInfo', code)).toMatchObject({ retry: 'now', scope: 'job' });
    }
    for (const code of [400_999, 403_999]) {
      expect(decide('accounts.setAccountInfo', code)).toMatchObject({ retry: 'never', scope: 'record' });
    }
  });

  it.each<[method: string, code: number, mayBeTooLong: boolean]>([
    ['accounts.search', 500001, true],
    ['ds.search', 500001, true],
    ['accounts.setAccountInfo', 500001, false],
    ['accounts.search', 500028, false],
    ['accounts.search', 503001, false],
  ])('of %s with %i: the query may be too long: %s', (method, code, mayBeTooLong) => {
    expect(decide(method, code).mayBeTooLong).toBe(mayBeTooLong);
  });

  it('of 404xxx is that the requested object does not exist', () => {
    for (const code of [404_000, 404_003, 404_999]) expect(decide('ds.get', code).isMissing).toBe(true);
    for (const code of [400_006, 403_005, 405_001, 500_001])
      expect(decide('ds.get', code).isMissing).toBe(false);
  });
});

describe('the advice on a refusal that a person has to act on', () => {
  it.each([...CONFIGURATION, 403002, 403004, 400128, 403005])('%i names what to change', (code) => {
    const advice = adviceOn(code, 'gigya-eu');
    expect(advice).not.toContain('{}');
    expect(advice).not.toContain('Response Codes');
  });

  it('names the authorization', () => {
    expect(adviceOn(403010, 'gigya-eu')).toBe('the secret is not valid; correct the secret of gigya-eu');
    expect(adviceOn(403006, 'x')).toBe(
      'the user key belongs to another site; correct x.user_key or x.api_key',
    );
    expect(adviceOn(403005, 'x')).toBe('the user key is not known; correct x.user_key');
  });

  it("refers to Gigya's list when there is no advice", () => {
    expect(adviceOn(400999, 'gigya')).toBe('see the code in Gigya\'s "Response Codes and Errors"');
  });
});
