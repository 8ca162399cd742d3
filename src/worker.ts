import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Logger } from 'pino';
import { createConnections } from './activities/connections.ts';
import { createActivities } from './activities/index.ts';
import { findExposedSecrets, readAuthorizations, resolveSecrets } from './authorizations.ts';
import { connectWorker } from './connectWorker.ts';
import { createLogger } from './logging.ts';
import { createMetrics } from './metrics.ts';
import { installRuntime } from './runtime.ts';
import { readWorkerSettings } from './settings.ts';
import { readTemporalConfig } from './temporal.ts';
import { createWorkers } from './workers.ts';

async function main(): Promise<void> {
  new Command('worker')
    .description(
      'Polls Temporal for runs of jobs, and calls Lytics and Gigya.\nIts settings are environment variables: see docs/reference.md, "Environment"',
    )
    .parse();
  const settings = readWorkerSettings(process.env);
  const { AUTHORIZATIONS_FILE: authorizationsFile, TASK_QUEUE: taskQueue } = settings;
  const logger = createLogger(settings.LOG_LEVEL);
  const runtime = await installRuntime(settings, logger);
  await reportAuthorizations(authorizationsFile, logger);
  const temporal = readTemporalConfig();
  const { address, namespace } = temporal;
  const connection = await connectWorker(temporal);
  const metrics = createMetrics(runtime.metricMeter);
  const connections = createConnections({
    authorizationsFile,
    gigyaObserver: metrics.gigya,
    lyticsObserver: metrics.lytics,
    timeoutMs: settings.REQUEST_TIMEOUT * 1000,
  });
  const activities = createActivities({
    connections,
    authorizationsFile,
    metrics,
    alertWebhook: settings.ALERT_WEBHOOK,
    alertAfterSeconds: settings.ALERT_AFTER,
    webUiUrl: settings.WEB_UI_URL,
    namespace,
  });
  const workers = await createWorkers({
    connection,
    namespace,
    taskQueue,
    activities,
    workflows: workflowSource(),
    shutdownGraceMs: settings.SHUTDOWN_GRACE * 1000,
  });
  logger.info({ address, namespace, taskQueue }, 'The worker is ready');
  await workers.run();
  await connections.close();
  await connection.close();
  logger.info('The worker has stopped');
}

/** Reports errors in the authorizations at the start, before a job fails because of them. */
async function reportAuthorizations(file: string, logger: Logger): Promise<void> {
  const warn = (error: unknown) => logger.warn(error instanceof Error ? error.message : String(error));
  try {
    const authorizations = await readAuthorizations(file);
    logger.info({ file, names: Object.keys(authorizations) }, 'Authorizations');
    for (const [name, authorization] of Object.entries(authorizations))
      await resolveSecrets(name, authorization, file).catch(warn);
    for (const provider of ['lytics', 'gigya']) {
      if (Object.values(authorizations).some((each) => each.provider === provider)) continue;
      logger.warn(`${file} has no authorization of provider "${provider}"; every job needs one`);
    }
  } catch (error) {
    warn(error);
  }
  for (const warning of await findExposedSecrets(file)) logger.warn(warning);
}

/** The bundle from `npm run build` in the built worker, else the sources. */
function workflowSource() {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(built)) return { workflowBundle: { codePath: built } };
  return { workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)) };
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // The SDK's native part keeps a process alive that has failed to start, and takes its signals.
  process.exit(1);
});
