import { describe, expect, it } from 'vitest';
import { adviceOn, classifyGigyaError, type GigyaErrorKind } from '../../src/gigya/errors.ts';

/** The table of docs: what to do about each code. */
const classes: [kind: GigyaErrorKind, codes: number[]][] = [
  ['wait', [403048]],
  ['transient', [409030, 500001, 500028, 500034, 503001, 504001, 504002]],
  ['once', [403002, 403004, 400128]],
  [
    'configuration',
    [
      301001, 400001, 400002, 400008, 400020, 400029, 400093, 403000, 403003, 403006, 403007, 403010, 403023,
      403036, 405001,
    ],
  ],
  [
    'record',
    [
      404003, 400003, 400004, 400006, 400009, 400022, 400023, 400024, 400025, 400026, 400027, 400302, 400303,
      413003,
    ],
  ],
  ['fine', [403200]],
];

describe('what to do about an errorCode', () => {
  it.each(classes.flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)))(
    '%i: %s',
    (code, kind) => {
      expect(classifyGigyaError(code, 'whatever')).toBe(kind);
    },
  );

  it('403005 speaks of an unknown UID, or of an unknown user key', () => {
    expect(classifyGigyaError(403005, 'Unauthorized user')).toBe('unknown_uid');
    expect(classifyGigyaError(403005)).toBe('unknown_uid');
    expect(classifyGigyaError(403005, 'The supplied userkey was not found')).toBe('configuration');
    expect(classifyGigyaError(403005, 'The supplied userKey was not found')).toBe('configuration');
    expect(classifyGigyaError(403005, 'Unknown user key')).toBe('configuration');
  });

  it('one that is not listed follows its family', () => {
    expect(classifyGigyaError(500999)).toBe('transient');
    expect(classifyGigyaError(504999)).toBe('transient');
    expect(classifyGigyaError(400999)).toBe('record');
    expect(classifyGigyaError(403999)).toBe('record');
  });
});

describe('the advice on a configuration fault', () => {
  const configuration = classes.flatMap(([kind, codes]) => (kind === 'configuration' ? codes : []));
  it.each([...configuration, 403005])('%i names what to change', (code) => {
    const advice = adviceOn(code, 'gigya-eu');
    expect(advice).not.toContain('{}');
    expect(advice).not.toContain('Response Codes');
  });

  it('names the authorization by its name', () => {
    expect(adviceOn(403010, 'gigya-eu')).toBe('the secret is not valid; correct the secret of gigya-eu');
    expect(adviceOn(403006, 'x')).toBe(
      'the user key belongs to another site; correct x.user_key or x.api_key',
    );
    expect(adviceOn(403005, 'x')).toBe('the user key is not known; correct x.user_key');
  });

  it('sends to the list where there is none', () => {
    expect(adviceOn(400999, 'gigya')).toBe('see the error in Gigya\'s "Response Codes and Errors"');
  });
});
