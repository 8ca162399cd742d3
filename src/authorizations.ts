import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { BadJson, parseJsonText } from './documents.ts';
import { describeProblems, type KnownSettings } from './problems.ts';
import { number, oneOf, text } from './settingTypes.ts';
import { MOST_CONNECTIONS, MOST_LANES } from './tuning.ts';
import { problemWithBaseUrl } from './urls.ts';

/** Gigya's data centers. `global.gigya.com` serves accounts only, no Data Store. */
export const DATACENTERS = [
  'us1.gigya.com',
  'eu1.gigya.com',
  'au1.gigya.com',
  'eu2.gigya.com',
  'cn1.sapcdm.cn',
  'global.gigya.com',
] as const;

const name = text();

const secret = text(16_384).describe('The secret itself, env:NAME or file:PATH');

/** A call in 1,000 s. Timers of slower rates would exceed the maximum of Node's, and fire at once. */
const LOWEST_RATE = 0.001;
const rate = number.min(LOWEST_RATE, { error: `must be ${LOWEST_RATE} or more` });

const CONNECTIONS = `must be "auto" or a whole number from 1 to ${MOST_CONNECTIONS}`;
const connections = z
  .number({ error: CONNECTIONS })
  .int({ error: CONNECTIONS, abort: true })
  .min(1, { error: CONNECTIONS })
  .max(MOST_CONNECTIONS, { error: CONNECTIONS });

const datacenter = text().transform((value, context) => {
  const found = DATACENTERS.find((host) => host === value || host.split('.')[0] === value);
  if (found) return found;
  context.addIssue({ code: 'custom', message: `must be one of ${DATACENTERS.join(', ')}` });
  return z.NEVER;
});

const baseUrl = text().transform((value, context) => {
  const problem = problemWithBaseUrl(value);
  if (problem === undefined) return value.replace(/\/+$/, '');
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

const LANES = `must be "auto" or a whole number from 1 to ${MOST_LANES}`;
const lanes = z.number().int(LANES).min(1, LANES).max(MOST_LANES, LANES);

const lyticsLimits = z.strictObject({
  /** Lanes of a scan. `auto`: up to 10, where Lytics honours `splits`. */
  lanes: z.union([z.literal('auto'), lanes], { error: LANES }).default('auto'),
});

const lytics = z.strictObject({
  provider: z.literal('lytics'),
  token: secret,
  base_url: baseUrl.default('https://api.lytics.io'),
  limits: lyticsLimits.prefault({}),
});

const limits = z.strictObject({
  /** Requests per second from this worker, for all methods together. SAP's smallest quota is 120. */
  calls_per_second: rate.default(120),
  /** The part of these requests that may be searches, per second. SAP's smallest quota is 10. */
  searches_per_second: rate.default(10),
  /** Requests in flight at once: `auto` follows the rate and the latency, a number fixes it. */
  connections: z.union([z.literal('auto'), connections], { error: CONNECTIONS }).default('auto'),
});

const INDEX_LAG = 'must be from 0 to 3600 seconds';

const gigya = z
  .strictObject({
    provider: z.literal('gigya'),
    api_key: text(),
    datacenter: datacenter.optional(),
    user_key: text(),
    secret_key: secret.optional(),
    private_key: secret.optional(),
    /** With a `secret_key`: `secret` sends it (over HTTPS), `signature` signs each request and never sends it. */
    authentication: oneOf(['secret', 'signature']).default('secret'),
    base_url: baseUrl.optional(),
    limits: limits.prefault({}),
    /** The maximum lag of Gigya's search index, in seconds. */
    index_lag_seconds: number.min(0, { error: INDEX_LAG }).max(3600, { error: INDEX_LAG }).default(30),
  })
  .superRefine((value, context) => {
    if ((value.secret_key === undefined) === (value.private_key === undefined)) {
      const message = 'set either secret_key or private_key (RSA bearer), not both';
      context.addIssue({ code: 'custom', path: ['secret_key'], message });
    }
    if (value.datacenter === undefined && value.base_url === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['datacenter'],
        message: `missing; it must be one of ${DATACENTERS.join(', ')}`,
      });
    }
  });

const authorization = z.discriminatedUnion('provider', [lytics, gigya], {
  error: (issue) =>
    issue.code === 'invalid_union' ? 'must be "lytics" or "gigya"' : 'must be a JSON object: {…}',
});

const notEntries = (issue: { code?: string | undefined }) =>
  issue.code === 'invalid_key'
    ? 'the name of an authorization must not be empty'
    : 'must be a JSON object: {"name": {"provider": …}, …}';
const entriesSchema = z.record(name, z.unknown(), { error: notEntries });

export const authorizationsSchema = z.record(name, authorization, { error: notEntries });

export type LyticsAuthorization = z.output<typeof lytics>;
export type GigyaAuthorization = z.output<typeof gigya>;
export type Authorization = LyticsAuthorization | GigyaAuthorization;
export type Authorizations = Readonly<Record<string, Authorization>>;

/**
 * The authorizations are not usable on this worker; on another they may be. The message names the setting and the fix,
 * never a secret.
 */
export class AuthorizationError extends Error {
  override readonly name = 'AuthorizationError';
}

/**
 * Reads the authorizations file. Secrets stay as they are written (`env:NAME`, `file:PATH`) until
 * {@link resolveSecrets} reads those of one authorization.
 *
 * @throws {AuthorizationError} listing every problem.
 */
export async function readAuthorizations(path: string): Promise<Authorizations> {
  return check(authorizationsSchema, await readEntries(path), path);
}

/** Reads one authorization. Errors in the others are ignored: they do not affect this job. */
export async function readAuthorization(path: string, name: string): Promise<Authorization> {
  const entries = await readEntries(path);
  if (Object.hasOwn(entries, name)) {
    const read = check(authorizationsSchema, { [name]: entries[name] }, path)[name];
    if (read) return read;
  }
  const known = Object.keys(entries).map((id) => `"${id}"`);
  throw new AuthorizationError(
    `auth_ids: this worker has no authorization "${name}"; its file ${path} has ${known.join(', ') || 'none'}`,
  );
}

/** The names of a provider's authorizations, valid or not. */
export async function namesOfProvider(path: string, provider: Authorization['provider']): Promise<string[]> {
  const entries = Object.entries(await readEntries(path));
  return entries.filter(([, entry]) => providerOf(entry) === provider).map(([name]) => name);
}

const providerOf = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null && 'provider' in entry ? entry.provider : undefined;

async function readEntries(path: string): Promise<Record<string, unknown>> {
  let written: string;
  try {
    written = await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new AuthorizationError(
      `The authorizations file ${path} could not be read (${why}); create it, or set AUTHORIZATIONS_FILE to its path`,
    );
  }
  return check(entriesSchema, parseEntries(written, path), path);
}

function parseEntries(written: string, path: string): unknown {
  try {
    return parseJsonText(written, `The authorizations file ${path}`);
  } catch (error) {
    throw error instanceof BadJson ? new AuthorizationError(error.message) : error;
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const problems = describeProblems(read.error, (issue) => settingsOf(issue, value))
    .map((problem) => `  ${problem}`)
    .join('\n');
  throw new AuthorizationError(`The authorizations file ${path} is not valid:\n${problems}`);
}

/** The valid settings for an authorization that has an unknown one. */
function settingsOf({ path: [name] }: Parameters<KnownSettings>[0], entries: unknown): string[] {
  const entry = Object.entries(Object(entries)).find(([key]) => key === name)?.[1];
  const isLytics = providerOf(entry) === 'lytics';
  const [shape, limitsShape] = isLytics ? [lytics.shape, lyticsLimits.shape] : [gigya.shape, limits.shape];
  const settings = [...Object.keys(shape), ...Object.keys(limitsShape).map((limit) => `limits.${limit}`)];
  return settings.map((setting) => `${String(name)}.${setting}`);
}

/** Reads `env:NAME` and `file:PATH` (relative to the authorizations file) of one authorization. */
export async function resolveSecrets<A extends Authorization>(
  name: string,
  authorization: A,
  file: string,
): Promise<A> {
  const resolved = { ...authorization };
  if (resolved.provider === 'lytics') {
    resolved.token = await readSecret(`${name}.token`, resolved.token, file);
    // The token is sent as a header.
    if (/^[\x20-\x7e]+$/.test(resolved.token)) return resolved;
    throw new AuthorizationError(`${name}.token: has characters that a token cannot have; copy it again`);
  }
  if (resolved.secret_key !== undefined) {
    resolved.secret_key = await readSecret(`${name}.secret_key`, resolved.secret_key, file);
  }
  if (resolved.private_key !== undefined) {
    resolved.private_key = await readSecret(`${name}.private_key`, resolved.private_key, file);
  }
  return resolved;
}

async function readSecret(setting: string, written: string, file: string): Promise<string> {
  const [, kind, where = ''] = /^(env|file):(.+)$/s.exec(written) ?? [];
  if (kind === 'env') {
    const value = process.env[where]?.trim();
    if (value) return value;
    throw new AuthorizationError(
      `${setting}: the environment variable ${where} is not set on this worker; set it`,
    );
  }
  if (kind === 'file') {
    const path = resolve(dirname(file), where);
    const value = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (value) return value;
    throw new AuthorizationError(`${setting}: the file ${path} is missing, unreadable or empty; correct it`);
  }
  return written;
}

/** The files with secrets that other users of the machine can read: `path: fix`, one line per file. */
export async function findExposedSecrets(file: string): Promise<string[]> {
  const paths = new Set([file]);
  const written = await readFile(file, 'utf8').catch(() => '');
  for (const [, where] of written.matchAll(/"file:([^"]+)"/g)) {
    if (where !== undefined) paths.add(resolve(dirname(file), where));
  }
  const warnings: string[] = [];
  for (const path of paths) {
    const mode = await stat(path).then(
      (stats) => stats.mode,
      () => 0,
    );
    // Windows has no permission bits and reports every file as readable.
    if (process.platform !== 'win32' && (mode & 0o044) !== 0) {
      warnings.push(`${path} holds secrets and others on this machine can read it; chmod 600 ${path}`);
    }
  }
  return warnings;
}
