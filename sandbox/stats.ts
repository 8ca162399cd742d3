export type Provider = 'lytics' | 'gigya';

/** Counts of calls, and nothing of what they carried. */
export type StatsReport = {
  /** By method, then by outcome: Gigya's errorCode, Lytics' HTTP status, or the fault that answered instead. */
  calls: Record<string, Record<string, number>>;
  total: number;
  maxInFlight: Record<Provider, number>;
  /** The most calls that arrived within one second of the clock. */
  peakPerSecond: Record<string, number>;
  scansOpened: number;
  scanPages: number;
  cursorsOpened: number;
  /** accountUpdated webhooks; `muted` are the writes that asked for none. */
  webhooks: Record<WebhookOutcome, number>;
};

export type WebhookOutcome = 'delivered' | 'failed' | 'muted';

export type Stats = {
  count(method: string, outcome: string): void;
  /** Returns a function to call when the request is over. */
  arrive(provider: Provider, kind: string): () => void;
  opened(what: 'scan' | 'page' | 'cursor'): void;
  webhook(outcome: WebhookOutcome): void;
  report(): StatsReport;
  clear(): void;
};

export function createStats(): Stats {
  const inFlight = { lytics: 0, gigya: 0 };
  const seconds = new Map<string, { second: number; count: number }>();
  const fresh = (): StatsReport => ({
    calls: {},
    total: 0,
    maxInFlight: { lytics: 0, gigya: 0 },
    peakPerSecond: {},
    scansOpened: 0,
    scanPages: 0,
    cursorsOpened: 0,
    webhooks: { delivered: 0, failed: 0, muted: 0 },
  });
  let stats = fresh();
  return {
    count: (method, outcome) => {
      stats.calls[method] ??= {};
      const outcomes = stats.calls[method];
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      stats.total++;
    },
    arrive: (provider, kind) => {
      inFlight[provider]++;
      stats.maxInFlight[provider] = Math.max(stats.maxInFlight[provider], inFlight[provider]);
      const second = Math.floor(Date.now() / 1000);
      const now = seconds.get(kind);
      const count = now?.second === second ? now.count + 1 : 1;
      seconds.set(kind, { second, count });
      stats.peakPerSecond[kind] = Math.max(stats.peakPerSecond[kind] ?? 0, count);
      let over = false;
      return () => {
        if (!over) inFlight[provider]--;
        over = true;
      };
    },
    opened: (what) => {
      if (what === 'scan') stats.scansOpened++;
      else if (what === 'page') stats.scanPages++;
      else stats.cursorsOpened++;
    },
    webhook: (outcome) => {
      stats.webhooks[outcome]++;
    },
    report: () => stats,
    clear: () => {
      stats = fresh();
    },
  };
}
