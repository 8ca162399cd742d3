/**
 * What a caller does about a refusal. Read off Gigya's "Response Codes and Errors" once, here:
 * - `wait`: the rate limit; slow down and send again, it is no failure
 * - `transient`: back off and send again
 * - `once`: a clock or a nonce; mend it and send again, once
 * - `configuration`: nothing will work until a person changes something
 * - `record`: this user cannot be written; the next one can
 * - `unknown_uid`: this site has no such account
 * - `fine`: Gigya had nothing to do
 */
export type GigyaErrorKind =
  | 'wait'
  | 'transient'
  | 'once'
  | 'configuration'
  | 'record'
  | 'unknown_uid'
  | 'fine';

/** What the person who runs the job changes, by error code. `{}` stands for the authorization's name. */
const configuration: Record<number, string> = {
  301001: 'the site lives in another data centre: set {}.datacenter',
  400001: 'Gigya does not know the request; check {}.base_url',
  400002: 'a parameter is missing; check {}.api_key and {}.user_key',
  400008: 'the field does not fit the schema; declare it in the Gigya console',
  400020:
    'the field is not in the schema: declare it as a string field in the Gigya console, or allow dynamic fields',
  400029: 'the field may not be written; check its write access in the Gigya console',
  400093: 'the API key is not valid; correct {}.api_key',
  403000: 'the request was not allowed; check the permissions of {}.user_key and that base_url is https',
  403003: 'the signature is not valid; correct the secret of {}',
  403006: 'the user key belongs to another site; correct {}.user_key or {}.api_key',
  403007: 'the application has no permission for this: give {}.user_key the permission in the Gigya console',
  403010: 'the secret is not valid; correct the secret of {}',
  403023: 'the key may not be used for this; check the permissions of {}.user_key',
  403036:
    'the site has no such service (the Data Store is an add-on): have it enabled, or use target_storage "account"',
  405001: 'the method is not allowed; check {}.base_url',
};

const transient = new Set([409030, 500001, 500028, 500034, 503001, 504001, 504002]);
const once = new Set([403002, 403004, 400128]);
const record = new Set([
  404003, 400003, 400004, 400006, 400009, 400022, 400023, 400024, 400025, 400026, 400027, 400302, 400303,
  413003,
]);

/** @see GigyaErrorKind */
export function classifyGigyaError(errorCode: number, errorDetails = ''): GigyaErrorKind {
  if (errorCode === 403048) return 'wait';
  if (errorCode === 403200) return 'fine';
  // One code for two faults: "Unauthorized user" is the account, "The supplied userkey was not found" the credentials.
  if (errorCode === 403005) return /user\s?key/i.test(errorDetails) ? 'configuration' : 'unknown_uid';
  if (transient.has(errorCode)) return 'transient';
  if (once.has(errorCode)) return 'once';
  if (record.has(errorCode)) return 'record';
  if (errorCode in configuration) return 'configuration';
  // A code that is not listed: Gigya's families are 5xxxxx for its own faults, 4xxxxx for the request's.
  return errorCode >= 500_000 ? 'transient' : 'record';
}

/** Advice for a refusal that a person has to mend. */
export function adviceOn(errorCode: number, authorization: string): string {
  const advice =
    errorCode === 403005 ? 'the user key is not known; correct {}.user_key' : configuration[errorCode];
  return (advice ?? 'see the error in Gigya\'s "Response Codes and Errors"').replaceAll('{}', authorization);
}

export interface GigyaErrorDetails {
  kind: GigyaErrorKind;
  /** The API method, such as `accounts.setAccountInfo`. */
  method: string;
  /** Gigya's `errorCode`; undefined when there was no answer to read one from. */
  code?: number | undefined;
  /** Gigya's handle for this call, which SAP's support asks for. */
  callId?: string | undefined;
}

/** Gigya refused a call, or gave no usable answer. The message holds no user's data and no secret. */
export class GigyaError extends Error {
  override readonly name = 'GigyaError';
  readonly kind: GigyaErrorKind;
  readonly method: string;
  readonly code: number | undefined;
  readonly callId: string | undefined;

  constructor(message: string, { kind, method, code, callId }: GigyaErrorDetails) {
    super(message);
    this.kind = kind;
    this.method = method;
    this.code = code;
    this.callId = callId;
  }
}
