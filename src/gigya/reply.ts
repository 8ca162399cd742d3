import { z } from 'zod';
import { type HttpReply, isLasting } from '../http.ts';
import { adviceOn, GigyaError, misconfigured, type Refusal } from './errors.ts';

const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);

// Optional fields may be missing, null or of another shape: that must not make a refusal an unreadable answer, which
// would be retried for hours.
const optionalText = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .catch(undefined)
  .transform((text) => text ?? undefined);

const envelope = z.looseObject({
  errorCode: numeric,
  callId: optionalText,
  errorMessage: optionalText,
  errorDetails: optionalText,
  apiDomain: optionalText,
  validationErrors: z
    .array(z.looseObject({ fieldName: optionalText }).nullish().catch(undefined))
    .nullish()
    .catch(undefined),
  ignoredParams: z
    .unknown()
    .optional()
    .transform((ignored) => (ignored == null ? undefined : namesIn(ignored))),
});

/** The names in a list of `{paramName}`. Bare names, or one entry without a list, are names as well. */
function namesIn(ignored: unknown): string[] {
  if (typeof ignored === 'string') return [ignored];
  if (Array.isArray(ignored)) return ignored.flatMap(namesIn);
  const isEntry = typeof ignored === 'object' && ignored !== null && 'paramName' in ignored;
  return isEntry && typeof ignored.paramName === 'string' ? [ignored.paramName] : [];
}

/** What every reply of Gigya has in common. */
export type Envelope = z.output<typeof envelope>;

const TEXTS = ['callId', 'errorMessage', 'errorDetails', 'apiDomain'] as const;
const LISTS = ['validationErrors', 'ignoredParams'] as const;

/** Whether a reply already is as `envelope` would read it, as most are: zod takes 4 % of the CPU time of an export. */
function isPlainEnvelope(json: unknown): json is Envelope {
  if (!isRecord(json) || typeof json['errorCode'] !== 'number' || !Number.isFinite(json['errorCode']))
    return false;
  return (
    TEXTS.every((key) => json[key] === undefined || typeof json[key] === 'string') &&
    LISTS.every((key) => json[key] === undefined)
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** A call as it is sent, for the messages about its reply. */
export interface Call {
  /** The API method, such as `accounts.setAccountInfo`. */
  method: string;
  /** Form parameters without the credentials. */
  form: Readonly<Record<string, string>>;
}

/** The parts of an authorization that messages use. */
export interface Caller {
  name: string;
  /** Never repeated in a message. */
  secrets: readonly (string | undefined)[];
  /** The setting that says where Gigya is. */
  addressSetting: 'base_url' | 'datacenter';
}

/** Essential parameters. Gigya drops parameters that it does not allow, and still reports errorCode 0. */
const ESSENTIAL = [
  'UID',
  'data',
  'type',
  'oid',
  'updateBehavior',
  'query',
  'cursorId',
  // Without it a search ends after its first batch.
  'openCursor',
  // Without it a user seems to hold nothing.
  'include',
  'muteWebhooks',
];

/** @throws {GigyaError} when the answer is not a reply of Gigya. */
export function readEnvelope({ method }: Call, answer: HttpReply, caller: Caller): Envelope {
  if (answer.location !== undefined) {
    throw misconfigured(
      `${method}: redirected (HTTP ${answer.status}), and redirects are not followed with credentials; correct ${caller.name}.${caller.addressSetting}`,
    );
  }
  if (isPlainEnvelope(answer.json)) return answer.json;
  const read = envelope.safeParse(answer.json);
  if (read.success) return read.data;
  const what = answer.json === undefined ? 'an answer that is not JSON' : 'JSON that is not a Gigya reply';
  // A gateway that rejects a request will reject it again; an overloaded one may not.
  const isRefused = isLasting(answer.status) || (answer.json !== undefined && answer.status < 400);
  const fix = isRefused ? `; check ${caller.name}.${caller.addressSetting} and any proxy` : '';
  throw new GigyaError(`${method}: ${what} (HTTP ${answer.status})${fix}`, {
    retry: isRefused ? 'briefly' : 'now',
    scope: 'job',
    reason: 'no_answer',
    mayBeTooLong: TOO_LONG.has(answer.status) && method.endsWith('.search'),
  });
}

/** HTTP: the request, or its URL, is too long. */
const TOO_LONG = new Set([413, 414]);

/** @throws {GigyaError} when Gigya dropped an essential parameter. */
export function assertNothingIgnored({ method, form }: Call, reply: Envelope, caller: Caller): void {
  if (!reply.ignoredParams) return;
  // Gigya takes the names of parameters in any case.
  const names = new Set(reply.ignoredParams.map((name) => name.toLowerCase()));
  const ignored = ESSENTIAL.filter((name) => form[name] !== undefined && names.has(name.toLowerCase()));
  if (ignored.length === 0) return;
  throw misconfigured(
    `${method}: Gigya ignored ${ignored.join(', ')}${callIdOf(reply)}: give ${caller.name}.user_key the permission for it in the Gigya console`,
    reply.callId,
  );
}

/** @throws {GigyaError} when the reply does not have the documented shape. */
export function readReply<T extends z.ZodType>({ method }: Call, reply: Envelope, shape: T): z.output<T> {
  const read = shape.safeParse(reply);
  if (read.success) return read.data;
  const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw misconfigured(
    `${method}: the reply does not have the documented shape (${where || 'not an object'})${callIdOf(reply)}; report this with the callId`,
    reply.callId,
  );
}

/** Errors that a wrong clock of this machine can cause. */
const OF_CLOCK = new Set([403002, 403003]);
/** `Date` headers have whole seconds, and answers take time. */
const TELLING_CLOCK_MS = 10_000;

/**
 * The error for a rejected call. Its message says what to change if a person has to act.
 *
 * @param clockOffset How far Gigya's clock is ahead of this machine's, in ms, by the reply's Date header.
 */
export function describeRefusal(
  call: Call,
  reply: Envelope,
  refusal: Refusal,
  caller: Caller,
  clockOffset = 0,
): GigyaError {
  const { errorCode: code, callId, errorMessage = 'no message' } = reply;
  const needsAPerson = refusal.scope === 'job' && (refusal.retry === 'never' || refusal.retry === 'briefly');
  const parts = [`${call.method}: Gigya answered ${code} "${withoutValues(errorMessage, call, caller)}"`];
  if (needsAPerson) {
    // Details can quote what was sent; those of a single record are omitted.
    const fields = (reply.validationErrors ?? []).flatMap((error) => error?.fieldName ?? []);
    const details = [
      reply.errorDetails?.replace(/"[^"]*"/g, '"…"') ?? '',
      ...fields,
      reply.apiDomain ?? '',
    ].filter((detail) => detail !== '' && detail !== errorMessage);
    if (details.length > 0) parts.push(` (${withoutValues(details.join(', '), call, caller)})`);
  }
  parts.push(callIdOf(reply));
  if (needsAPerson) parts.push(`: ${adviceOn(code, caller.name)}`);
  if (OF_CLOCK.has(code) && Math.abs(clockOffset) >= TELLING_CLOCK_MS) {
    const seconds = Math.round(Math.abs(clockOffset) / 1000);
    parts.push(`; it is ${seconds} s ${clockOffset > 0 ? 'behind' : 'ahead of'} Gigya's`);
  }
  const answer = { code: String(code), text: answerOf(reply, caller) };
  return new GigyaError(parts.join(''), refusal, callId, answer);
}

/** What Gigya said, without credentials; it may quote the record. */
function answerOf({ errorMessage, errorDetails, validationErrors }: Envelope, { secrets }: Caller): string {
  const fields = (validationErrors ?? []).flatMap((error) => error?.fieldName ?? []);
  const parts = [errorMessage ?? '', errorDetails ?? '', ...fields].filter((part) => part !== '');
  const text = [...new Set(parts)].join(': ') || 'no message';
  return secrets.reduce<string>((said, secret) => (secret ? said.replaceAll(secret, '…') : said), text);
}

const callIdOf = ({ callId }: Envelope) => (callId === undefined ? '' : `, callId ${callId}`);

/** Removes what was sent (a UID, a query, credentials) from a text of Gigya's that quotes it. */
function withoutValues(said: string, { form }: Call, { secrets }: Caller): string {
  const { UID, query = '', data } = form;
  const quoted = [...query.matchAll(/"([^"]+)"/g)].map(([, text]) => text);
  const whole = [...secrets, UID, query, ...quoted, data].reduce<string>(
    (text, value) => (value ? text.replaceAll(value, '…') : text),
    said,
  );
  return valuesIn(data).reduce(withoutWord, whole);
}

/** The values of a record, longest first: one may contain another. */
function valuesIn(data: string | undefined): string[] {
  const values: string[] = [];
  const collect = (value: unknown) => {
    if (typeof value === 'string' || typeof value === 'number') values.push(String(value));
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  if (data !== undefined) collect(JSON.parse(data));
  return values.filter((value) => value !== '').sort((one, other) => other.length - one.length);
}

/** Removes a value where it stands by itself: a short one is also part of words that Gigya uses. */
function withoutWord(text: string, value: string): string {
  const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'gu'), '…');
}
