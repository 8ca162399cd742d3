import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { describeIssue } from './job.ts';

/** Gigya's data centres. `global.gigya.com` serves accounts only, no Data Store. */
export const DATACENTERS = [
  'us1.gigya.com',
  'eu1.gigya.com',
  'au1.gigya.com',
  'eu2.gigya.com',
  'cn1.sapcdm.cn',
  'global.gigya.com',
] as const;

const text = z.string({ error: 'use a text' }).trim().min(1, { error: 'use a text that is not empty' });

const secret = text.describe('the secret itself, env:NAME or file:PATH');

const figure = z.number({ error: 'use a number' });

const rate = figure.positive({ error: 'use a number above 0' });

const datacenter = text.transform((value, context) => {
  const found = DATACENTERS.find((host) => host === value || host.split('.')[0] === value);
  if (found) return found;
  context.addIssue({ code: 'custom', message: `use one of ${DATACENTERS.join(', ')}` });
  return z.NEVER;
});

const baseUrl = text.transform((value, context) => {
  const problem = problemWithBaseUrl(value);
  if (problem === undefined) return value.replace(/\/+$/, '');
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

const lytics = z.strictObject({
  provider: z.literal('lytics'),
  token: secret,
  base_url: baseUrl.default('https://api.lytics.io'),
});

const gigya = z
  .strictObject({
    provider: z.literal('gigya'),
    api_key: text,
    datacenter: datacenter.optional(),
    user_key: text,
    secret_key: secret.optional(),
    private_key: secret.optional(),
    /** With a `secret_key`: sent as it is (over HTTPS), or never sent and used to sign each request. */
    authentication: z
      .enum(['secret', 'signature'], { error: 'use "secret" or "signature"' })
      .default('secret'),
    base_url: baseUrl.optional(),
    limits: z
      .strictObject({
        /** Requests a second, from this worker, all methods together. SAP's smallest quota is 120. */
        calls_per_second: rate.default(120),
        /** Of those, searches a second. SAP's smallest quota is 10. */
        searches_per_second: rate.default(10),
        /** Requests under way at once. SAP's own writers use 10 to 20. */
        connections: figure
          .int({ error: 'use a whole number' })
          .min(1, { error: 'use a number from 1 to 500' })
          .max(500, { error: 'use a number from 1 to 500' })
          .default(20),
      })
      .prefault({}),
    /** How long Gigya's search may be behind the truth, in seconds. */
    index_lag_seconds: figure.min(0, { error: 'use 0 or more' }).default(30),
  })
  .superRefine((value, context) => {
    if ((value.secret_key === undefined) === (value.private_key === undefined)) {
      const message = 'give either secret_key or private_key (RSA bearer), and only one of them';
      context.addIssue({ code: 'custom', path: ['secret_key'], message });
    }
    if (value.datacenter === undefined && value.base_url === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['datacenter'],
        message: `missing; use one of ${DATACENTERS.join(', ')}`,
      });
    }
  });

const authorization = z.discriminatedUnion('provider', [lytics, gigya], {
  error: (issue) => (issue.code === 'invalid_union' ? 'use "lytics" or "gigya"' : 'use a JSON object: {…}'),
});

const notEntries = (issue: { code?: string | undefined }) =>
  issue.code === 'invalid_key'
    ? 'use names that are not empty'
    : 'use a JSON object: {"name": {"provider": …}, …}';
const entriesSchema = z.record(text, z.unknown(), { error: notEntries });

export const authorizationsSchema = z.record(text, authorization, { error: notEntries });

export type LyticsAuthorization = z.output<typeof lytics>;
export type GigyaAuthorization = z.output<typeof gigya>;
export type Authorization = LyticsAuthorization | GigyaAuthorization;
export type Authorizations = Readonly<Record<string, Authorization>>;

/** The authorizations cannot be used as they are. The message names the setting and the fix, never a secret. */
export class AuthorizationError extends Error {
  override readonly name = 'AuthorizationError';
}

/**
 * Reads the authorizations file. Secrets stay as they are written (`env:NAME`, `file:PATH`) until
 * {@link resolveSecrets} is asked for one of them.
 *
 * @throws {AuthorizationError} naming all that is wrong in it.
 */
export async function readAuthorizations(path: string): Promise<Authorizations> {
  return check(authorizationsSchema, await readEntries(path), path);
}

/** Reads one authorization. What is wrong with another is nothing that this one's jobs should fail of. */
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
  let parsed: unknown;
  try {
    parsed = JSON.parse(written);
  } catch {
    // JSON.parse quotes the text around the fault, which may be a secret.
    throw new AuthorizationError(`The authorizations file ${path} is not JSON; correct it`);
  }
  return check(entriesSchema, parsed, path);
}

function check<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => `  ${describeIssue(issue)}`).join('\n');
  throw new AuthorizationError(`The authorizations file ${path} is not valid:\n${problems}`);
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
    // It is sent as a header.
    if (/^[\x20-\x7e]+$/.test(resolved.token)) return resolved;
    throw new AuthorizationError(`${name}.token: has characters that no token has; copy it anew`);
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

/** The files with secrets that others on this machine can read: `path: what to do`, one line each. */
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
    // Windows has no such bits, and reports every file as readable.
    if (process.platform !== 'win32' && (mode & 0o044) !== 0) {
      warnings.push(`${path} holds secrets and others on this machine can read it; chmod 600 ${path}`);
    }
  }
  return warnings;
}

/** What is wrong with a `base_url`, and what to use. */
export function problemWithBaseUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'use a URL, such as "https://gateway.example.com"';
  const url = new URL(value);
  if (url.username || url.password || url.search || url.hash)
    return 'use a URL without credentials, "?" and "#"';
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return undefined;
  return 'use https:// (plain http:// is accepted for loopback hosts only, since the secret travels)';
}

export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
