import { resolve } from 'node:path';
import { z } from 'zod';
import { TASK_QUEUE } from './names.ts';
import { ProxyError, readProxies } from './proxies.ts';
import { ALERT_AFTER_SECONDS } from './tuning.ts';

/** An environment variable is not usable. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** Longer timers fire at once. */
const LONGEST_TIMER_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

const port = z.coerce.number({ error: 'must be a number' }).int().min(1).max(65_535);
const seconds = z.coerce.number({ error: 'must be a number of seconds' }).max(LONGEST_TIMER_SECONDS);
const url = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

const workerSchema = z.object({
  AUTHORIZATIONS_FILE: z
    .string()
    .default('authorizations.json')
    .transform((path) => resolve(path)),
  // Queries of Temporal's list of workflows name it, in double quotes.
  TASK_QUEUE: z
    .string()
    .regex(/^[^"]*$/, { error: 'must not contain a double quote' })
    .default(TASK_QUEUE),
  LOG_LEVEL: z.enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` }).default('info'),
  METRICS_PORT: port.optional(),
  METRICS_HOST: z.string().default('0.0.0.0'),
  ALERT_WEBHOOK: url.optional(),
  ALERT_AFTER: seconds.positive().default(ALERT_AFTER_SECONDS),
  /** Where people open Temporal's Web UI, for links in alerts. */
  WEB_UI_URL: url.optional(),
  REQUEST_TIMEOUT: seconds.positive().default(30),
  SHUTDOWN_GRACE: seconds.min(0).default(30),
});

/** What a worker reads from its environment; docs/reference.md lists each with its unit and default. */
export type WorkerSettings = z.output<typeof workerSchema>;

/** @throws {SettingError} naming each variable that is wrong, and what it must be. */
export function readWorkerSettings(env: NodeJS.ProcessEnv): WorkerSettings {
  // An empty variable counts as unset: compose files set them so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const read = workerSchema.safeParse(given);
  const problems = [
    ...(read.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...problemsWithProxies(env),
  ];
  if (read.success && problems.length === 0) return read.data;
  throw new SettingError(problems.join('; '));
}

function problemsWithProxies(env: NodeJS.ProcessEnv): string[] {
  try {
    readProxies(env);
    return [];
  } catch (error) {
    if (error instanceof ProxyError) return [error.message];
    throw error;
  }
}
