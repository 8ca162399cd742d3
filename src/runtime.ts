import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { asTemporalLogger } from './logging.ts';
import { BUCKETS } from './metrics.ts';
import { SettingError, type WorkerSettings } from './settings.ts';

type MetricsSettings = Pick<WorkerSettings, 'METRICS_PORT' | 'METRICS_HOST'>;

/**
 * The SDK's process-wide runtime, with our logger and metrics; before any worker.
 *
 * @throws {SettingError} when the metrics cannot be served.
 */
export async function installRuntime(settings: MetricsSettings, logger: Logger): Promise<Runtime> {
  const bindAddress = await metricsAddress(settings);
  try {
    return Runtime.install({
      logger: asTemporalLogger(logger),
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
        ...(bindAddress !== undefined && {
          metrics: {
            prometheus: { bindAddress, countersTotalSuffix: true, histogramBucketOverrides: BUCKETS },
          },
        }),
      },
    });
  } catch (error) {
    // "Failed to start prometheus metrics exporter: Address already in use (os error 98)"
    const [, cause] = /prometheus.*: ([^:(]+)/.exec(error instanceof Error ? error.message : '') ?? [];
    if (cause === undefined) throw error;
    throw new SettingError(`METRICS_PORT: cannot listen at ${bindAddress} (${cause.trim().toLowerCase()})`);
  }
}

/** The runtime takes an IP address only. */
async function metricsAddress(settings: MetricsSettings): Promise<string | undefined> {
  const { METRICS_PORT, METRICS_HOST } = settings;
  if (METRICS_PORT === undefined) return undefined;
  const { address } = await lookup(METRICS_HOST).catch(() => {
    throw new SettingError(`METRICS_HOST: the host "${METRICS_HOST}" was not found`);
  });
  return isIPv6(address) ? `[${address}]:${METRICS_PORT}` : `${address}:${METRICS_PORT}`;
}
