import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createConnections } from './activities/connections.ts';
import { createActivities, createAttemptInterceptor } from './activities/index.ts';
import { findExposedSecrets, readAuthorizations } from './authorizations.ts';
import { asTemporalLogger, createLogger } from './logging.ts';
import { BUCKETS, createMetrics } from './metrics.ts';
import { readWorkerSettings, type WorkerSettings } from './settings.ts';
import { readTemporalConfig, unreachable } from './temporal.ts';

/** A killed worker loses the heartbeats that were held back: hold none back for long. */
const HEARTBEATS_HELD_BACK = '1 s';

async function main(): Promise<void> {
  const settings = readWorkerSettings(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  const runtime = installRuntime(settings, logger);
  await reportAuthorizations(settings.AUTHORIZATIONS_FILE, logger);
  const { connectionOptions, namespace, address } = readTemporalConfig();
  const connection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw new Error(unreachable(address, error));
  });
  const metrics = createMetrics(runtime.metricMeter);
  const connections = createConnections({
    authorizationsFile: settings.AUTHORIZATIONS_FILE,
    gigyaObserver: metrics.gigya,
    lyticsObserver: metrics.lytics,
    timeoutMs: settings.REQUEST_TIMEOUT * 1000,
  });
  try {
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: settings.TASK_QUEUE,
      activities: createActivities({
        connections,
        authorizationsFile: settings.AUTHORIZATIONS_FILE,
        metrics,
        alertWebhook: settings.ALERT_WEBHOOK,
        alertAfterSeconds: settings.ALERT_AFTER,
      }),
      interceptors: { activity: [createAttemptInterceptor()] },
      ...workflowSource(),
      maxHeartbeatThrottleInterval: HEARTBEATS_HELD_BACK,
      defaultHeartbeatThrottleInterval: HEARTBEATS_HELD_BACK,
      // The default cuts activities off at once, at each deploy.
      shutdownGraceTime: `${settings.SHUTDOWN_GRACE} s`,
      maxCachedWorkflows: 100,
      maxConcurrentActivityTaskExecutions: 40,
    });
    logger.info({ address, namespace, taskQueue: settings.TASK_QUEUE }, 'The worker is ready');
    await worker.run();
    logger.info('The worker has stopped');
  } finally {
    await connections.close();
    await connection.close();
  }
}

function installRuntime(settings: WorkerSettings, logger: Logger): Runtime {
  const { METRICS_PORT, METRICS_HOST } = settings;
  return Runtime.install({
    logger: asTemporalLogger(logger),
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
      ...(METRICS_PORT !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: `${METRICS_HOST}:${METRICS_PORT}`,
            countersTotalSuffix: true,
            histogramBucketOverrides: BUCKETS,
          },
        },
      }),
    },
  });
}

/** Tells what is wrong with the authorizations now, and not when the first job fails. */
async function reportAuthorizations(file: string, logger: Logger): Promise<void> {
  await readAuthorizations(file).then(
    (authorizations) => logger.info({ file, names: Object.keys(authorizations) }, 'Authorizations'),
    (error: unknown) => logger.warn(error instanceof Error ? error.message : String(error)),
  );
  for (const warning of await findExposedSecrets(file)) logger.warn(warning);
}

/** The bundle that `npm run build` made when this is the built worker, the sources otherwise. */
function workflowSource() {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(built)) return { workflowBundle: { codePath: built } };
  return { workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)) };
}

main().catch((error: unknown) => {
  // One line: what went wrong and what to do; the stack is of no use to who starts a worker.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
