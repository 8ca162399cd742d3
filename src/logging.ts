import type { Logger as TemporalLogger } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** JSON lines, or readable ones when a person watches. Neither holds user data: only ids, counts and reasons. */
export function createLogger(level: string): Logger {
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(base);
  return pino({ ...base, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}

/** Where a line is from. */
const PLACE = [
  'workflowId',
  'runId',
  'workflowType',
  'activityType',
  'attempt',
  'taskQueue',
  'namespace',
  'error',
];
/** What our workflows tell of a run; none of it is about a single user. */
const RUN = ['job', 'audience', 'counts', 'failures', 'seconds', 'warnings', 'type', 'reason'];
const KEPT = new Set([...PLACE, ...RUN]);

/** The bundler's report of each module, and each step of a worker's start and end. */
const NOISE = /webpack|Workflow bundle created|Worker state changed|No Nexus services/;

/** Temporal's log lines, and our workflows', in ours: those come with all there is to know of a task. */
export function asTemporalLogger(logger: Logger): TemporalLogger {
  const write = (
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error',
    message: string,
    meta: object = {},
  ) => {
    const kept: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(meta)) {
      // The stack goes nowhere: a reader wants the reason, and that is in the message.
      if (KEPT.has(key)) kept[key] = value instanceof Error ? `${value.name}: ${value.message}` : value;
    }
    logger[level === 'info' && NOISE.test(message) ? 'debug' : level](kept, message);
  };
  return {
    log: (level, message, meta) => write(LEVELS[level], message, meta),
    trace: (message, meta) => write('trace', message, meta),
    debug: (message, meta) => write('debug', message, meta),
    info: (message, meta) => write('info', message, meta),
    warn: (message, meta) => write('warn', message, meta),
    error: (message, meta) => write('error', message, meta),
  };
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
