import type { Logger as TemporalLogger } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** JSON lines, or readable ones on a terminal. No line has user data: only ids, counts and reasons. */
export function createLogger(level: string): Logger {
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(base);
  return pino({ ...base, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}

/** Where a line comes from. */
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
/** What our workflows report about a run; nothing about a single user. */
const RUN = ['job', 'audience', 'counts', 'failures', 'seconds', 'warnings', 'type', 'reason'];
const KEPT = new Set([...PLACE, ...RUN]);

/** The bundler's report, each step of a worker's start and end, and that questions have no workflows of their own. */
const NOISE =
  /webpack|Workflow bundle created|Worker state changed|No Nexus services|No workflows registered/;

/** Writes log lines of Temporal and of our workflows. Of their metadata only known keys are kept: it can hold a task's input. */
export function asTemporalLogger(logger: Logger): TemporalLogger {
  const write = (
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error',
    message: string,
    meta: object = {},
  ) => {
    const kept: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(meta)) {
      // Without the stack: the reason is in the message.
      if (KEPT.has(key)) kept[key] = value instanceof Error ? `${value.name}: ${value.message}` : value;
    }
    const isNoise = (level === 'info' || level === 'warn') && NOISE.test(message);
    logger[isNoise ? 'debug' : level](kept, message);
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
