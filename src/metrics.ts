import type { MetricCounter, MetricMeter } from '@temporalio/common';
import { type Counts, noCounts } from './counts.ts';
import type { GigyaObserver } from './gigya/client.ts';
import type { LyticsObserver } from './lytics/client.ts';

const CALL_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];

/** How long calls are summed up before they are passed on. */
const SUMMED_MS = 250;

/** The SDK's own buckets end at 10 s: with a small quota a page takes minutes. */
export const BUCKETS = {
  gigya_call_latency: CALL_MS,
  lytics_call_latency: CALL_MS,
  gigya_export_page_latency: SECONDS.map((seconds) => seconds * 1_000),
};

/** A worker's metrics, beside the SDK's own. None contains user data. */
export interface Metrics {
  gigya: GigyaObserver;
  lytics: LyticsObserver;
  /** Counts users by outcome. */
  users(counts: Partial<Counts>): void;
  /** Records the time that a page took. */
  page(activity: string, ms: number): void;
}

export function createMetrics(meter: MetricMeter): Metrics {
  const users = meter.createCounter('gigya_export_users', '1', 'Users by outcome');
  const countGigyaCall = sumCalls(
    meter.createCounter('gigya_calls', '1', 'Calls to Gigya by method and error code'),
  );
  const gigyaLatency = meter.createHistogram('gigya_call_latency', 'int', 'ms', 'Latency of calls to Gigya');
  const gigyaWait = meter.createCounter(
    'gigya_rate_limit_wait_ms',
    'ms',
    'Time that calls waited for the rate limit',
  );
  const gigyaRate = meter.createGauge(
    'gigya_rate_limit',
    'float',
    '1',
    'Calls per second that the limiter allows',
  );
  const lyticsCalls = meter.createCounter('lytics_calls', '1', 'Calls to Lytics by call and HTTP status');
  const lyticsLatency = meter.createHistogram(
    'lytics_call_latency',
    'int',
    'ms',
    'Latency of calls to Lytics',
  );
  const lyticsWait = meter.createCounter(
    'lytics_rate_limit_wait_ms',
    'ms',
    'Time waited because Lytics asked for it (429)',
  );
  const pages = meter.createHistogram(
    'gigya_export_page_latency',
    'int',
    'ms',
    'Time that a page takes, by activity',
  );
  // Export zeros from the start, so that rate() sees the first failure.
  for (const outcome of [...Object.keys(noCounts()), 'stale']) users.add(0, { outcome });
  return {
    gigya: {
      onCall(method, code, ms) {
        countGigyaCall(method, code);
        gigyaLatency.record(Math.round(ms), { method });
      },
      onWait: (ms, authorization) => gigyaWait.add(Math.round(ms), { authorization }),
      onRate: (limit, rate, authorization) => gigyaRate.set(rate, { authorization, limit }),
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

/**
 * Counts calls and passes the sums on a few times a second: passing each call on would take 5 % of the CPU time of an
 * export.
 */
function sumCalls(counter: MetricCounter) {
  const sums = new Map<string, { method: string; code: string; calls: number }>();
  const passOn = () => {
    for (const { calls, ...labels } of sums.values()) counter.add(calls, labels);
    sums.clear();
  };
  return (method: string, code: number | string): void => {
    if (sums.size === 0) setTimeout(passOn, SUMMED_MS).unref();
    const key = `${method} ${code}`;
    const sum = sums.get(key);
    if (sum) sum.calls++;
    else sums.set(key, { method, code: String(code), calls: 1 });
  };
}
