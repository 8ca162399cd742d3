import { type Answer, type Decision, ServiceError } from '../errors.ts';

/** What a person changes, by error code. `{}` stands for the authorization's name. */
const ADVICE: Record<number, string> = {
  301001: 'the site is in another data center: set {}.datacenter',
  400001: 'Gigya does not know the request; check {}.base_url',
  400002: 'a parameter is missing; check {}.api_key and {}.user_key',
  400008: 'the field does not fit the schema; declare it in the Gigya console',
  400020:
    'the field is not in the schema: declare it as a string field in the Gigya console, or allow dynamic fields',
  400029: 'the field cannot be written; check its write access in the Gigya console',
  400093: 'the API key is not valid; correct {}.api_key',
  400128: 'the nonce was refused twice; check whether something repeats requests to Gigya',
  403000: 'the request was not allowed; check the permissions of {}.user_key and that base_url is https',
  403002: "the request expired twice; set this machine's clock",
  403003: "the signature is not valid; correct the secret of {}, and check this machine's clock",
  403004: 'the request was repeated; check whether something repeats requests to Gigya',
  403006: 'the user key belongs to another site; correct {}.user_key or {}.api_key',
  403007:
    'the application does not have the permission: give {}.user_key accounts.* (ids.* is not enough) in the Gigya console',
  403010: 'the secret is not valid; correct the secret of {}',
  403023: 'the key is not allowed for this; check the permissions of {}.user_key',
  403036:
    'the site does not have this service (the Data Store is an add-on): have it enabled, or use target_storage "account"',
  405001: 'the method is not allowed; check {}.base_url',
};

const RATE_LIMIT = 403048;
const REDUNDANT = 403200;
const UNAUTHORIZED_USER = 403005;
const NO_SUCH_LOGIN_ID = 403047;
const SERVER_ERROR = 500001;
const UNAVAILABLE = 503001;
/** Gigya asks for at least a minute. */
const UNAVAILABLE_MS = 60_000;

const TRANSIENT = new Set([409030, SERVER_ERROR, 500028, 500034, 504001, 504002]);
/** A clock or a nonce. */
const MENDABLE = new Set([403002, 403004, 400128]);
const CONFIGURATION = new Set([
  301001, 400001, 400002, 400008, 400020, 400029, 400093, 403000, 403003, 403006, 403007, 403010, 403023,
  403036, 405001,
]);

/** What the client does by itself, before it bothers its caller. */
export type Handling = 'slow_down' | 'mend' | 'none';

export interface Refusal extends Decision {
  handling: Handling;
  /** A query that is too long answers with the code of a server error. */
  mayBeTooLong: boolean;
  /** What was asked for does not exist. */
  isMissing: boolean;
}

/**
 * Decides what a refusal means. From Gigya's "Response Codes and Errors"; codes that are not listed there go by
 * family: 5xxxxx is Gigya's fault, 4xxxxx the request's.
 *
 * @param details `errorDetails`: 403005 means an unknown user as well as unknown credentials.
 */
export function decide(method: string, code: number, details = ''): Refusal {
  const base = { handling: 'none', mayBeTooLong: false, isMissing: false, reason: String(code) } as const;
  const record = { ...base, retry: 'never', scope: 'record' } as const;
  const job = { ...base, scope: 'job' } as const;
  if (code === RATE_LIMIT) return { ...job, retry: 'now', handling: 'slow_down' };
  if (code === REDUNDANT) return { ...record, reason: 'unchanged' };
  if (code === UNAUTHORIZED_USER && /user\s?key/i.test(details)) return { ...job, retry: 'never' };
  if (code === UNAUTHORIZED_USER || code === NO_SUCH_LOGIN_ID) return { ...record, reason: 'unknown_uid' };
  if (code === UNAVAILABLE) return { ...job, retry: 'later', retryAfterMs: UNAVAILABLE_MS };
  if (TRANSIENT.has(code)) {
    return { ...job, retry: 'now', mayBeTooLong: code === SERVER_ERROR && method.endsWith('.search') };
  }
  if (MENDABLE.has(code)) return { ...job, retry: 'briefly', handling: 'mend' };
  if (CONFIGURATION.has(code)) return { ...job, retry: 'never' };
  if (code >= 500_000) return { ...job, retry: 'now' };
  return { ...record, isMissing: Math.floor(code / 1000) === 404 };
}

/** Advice for a refusal that a person has to act on. */
export function adviceOn(code: number, authorization: string): string {
  const advice = code === UNAUTHORIZED_USER ? 'the user key is not known; correct {}.user_key' : ADVICE[code];
  return (advice ?? 'see the code in Gigya\'s "Response Codes and Errors"').replaceAll('{}', authorization);
}

/** Gigya refused a call, or gave no usable answer. */
export class GigyaError extends ServiceError {
  override readonly name = 'GigyaError';
  readonly mayBeTooLong: boolean;
  readonly isMissing: boolean;

  constructor(
    message: string,
    decision: Decision & Partial<Pick<Refusal, 'mayBeTooLong' | 'isMissing'>>,
    callId?: string,
    answer?: Answer,
  ) {
    super('Gigya', message, decision, callId, answer);
    this.mayBeTooLong = decision.mayBeTooLong ?? false;
    this.isMissing = decision.isMissing ?? false;
  }
}

/** A fault that nothing fixes until a person changes a setting. */
export function misconfigured(message: string, callId?: string): GigyaError {
  return new GigyaError(message, { retry: 'never', scope: 'job', reason: 'configuration' }, callId);
}
