import { resolve } from 'node:path';
import { z } from 'zod';

/** An environment variable cannot be used as it is. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const whole = (max: number) => z.coerce.number({ error: 'use a number' }).int().min(1).max(max);

const workerSchema = z.object({
  AUTHORIZATIONS_FILE: z
    .string()
    .default('authorizations.json')
    .transform((path) => resolve(path)),
  TASK_QUEUE: z.string().default('gigya-export'),
  LOG_LEVEL: z.enum(LEVELS, { error: `use one of ${LEVELS.join(', ')}` }).default('info'),
  METRICS_PORT: whole(65_535).optional(),
  METRICS_HOST: z.string().default('0.0.0.0'),
  ALERT_WEBHOOK: z.url({ protocol: /^https?$/, error: 'use an http(s) URL' }).optional(),
  ALERT_AFTER: z.coerce.number({ error: 'use a number of seconds' }).positive().default(1800),
  REQUEST_TIMEOUT: z.coerce.number({ error: 'use a number of seconds' }).positive().default(30),
  SHUTDOWN_GRACE: z.coerce.number({ error: 'use a number of seconds' }).min(0).default(30),
});

/** What a worker reads from its environment; the README lists each with its unit and default. */
export type WorkerSettings = z.output<typeof workerSchema>;

/** @throws {SettingError} naming each variable that is wrong and what to use. */
export function readWorkerSettings(env: NodeJS.ProcessEnv): WorkerSettings {
  // A variable that is set to nothing is as good as not set: compose files do that.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const read = workerSchema.safeParse(given);
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new SettingError(problems.join('; '));
}
