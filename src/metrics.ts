import type { MetricMeter } from '@temporalio/common';
import type { Counts } from './counts.ts';
import type { GigyaObserver } from './gigya/client.ts';
import type { LyticsObserver } from './lytics/client.ts';

/** What a worker measures, beside the SDK's own metrics. None carries user data. */
export interface Metrics {
  gigya: GigyaObserver;
  lytics: LyticsObserver;
  /** Users whose fate became known. */
  users(counts: Partial<Counts>): void;
  /** A page was fetched or written. */
  page(activity: string, ms: number): void;
}

export function createMetrics(meter: MetricMeter): Metrics {
  const users = meter.createCounter('gigya_export_users', '1', 'Users by outcome');
  const gigyaCalls = meter.createCounter('gigya_calls', '1', 'Calls to Gigya by method and error code');
  const gigyaLatency = meter.createHistogram(
    'gigya_call_latency',
    'int',
    'ms',
    'How long Gigya takes to answer',
  );
  const gigyaWait = meter.createCounter(
    'gigya_rate_limit_wait_ms',
    'ms',
    'Time that calls waited for their turn',
  );
  const gigyaRate = meter.createGauge(
    'gigya_rate_limit',
    'float',
    '1',
    'Calls a second that the limiter allows',
  );
  const lyticsCalls = meter.createCounter('lytics_calls', '1', 'Calls to Lytics by call and HTTP status');
  const lyticsLatency = meter.createHistogram(
    'lytics_call_latency',
    'int',
    'ms',
    'How long Lytics takes to answer',
  );
  const lyticsWait = meter.createCounter(
    'lytics_rate_limit_wait_ms',
    'ms',
    'Time waited because Lytics asked to',
  );
  const pages = meter.createHistogram(
    'gigya_export_page_latency',
    'int',
    'ms',
    'How long a page takes, by activity',
  );
  return {
    gigya: {
      onCall(method, code, ms) {
        gigyaCalls.add(1, { method, code: String(code) });
        gigyaLatency.record(Math.round(ms), { method });
      },
      onWait: (ms) => gigyaWait.add(Math.round(ms)),
      onRate: (limit, rate) => gigyaRate.set(rate, { limit }),
    },
    lytics: {
      onCall(call, status, ms) {
        lyticsCalls.add(1, { call, status: String(status) });
        lyticsLatency.record(Math.round(ms), { call });
      },
      onWait: (ms) => lyticsWait.add(Math.round(ms)),
    },
    users(counts) {
      for (const [outcome, count] of Object.entries(counts)) if (count > 0) users.add(count, { outcome });
    },
    page: (activity, ms) => pages.record(Math.round(ms), { activity }),
  };
}
