import type { Settings } from '../settings.ts';
import { GigyaFailure } from './envelope.ts';

/** Token buckets with one second's worth of burst, for calls and, apart from them, for searches. */
export function createQuota(): (kind: 'call' | 'search', settings: Settings['gigya'], now: number) => void {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (kind, { callsPerSecond, searchesPerSecond }, now) => {
    const rate = kind === 'search' ? searchesPerSecond : callsPerSecond;
    if (rate === null) return;
    const burst = Math.max(1, rate);
    const bucket = buckets.get(kind) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate);
    buckets.set(kind, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    if (tokens < 1) throw new GigyaFailure(403048);
  };
}

/** Requests in flight for each UID. */
export type Places = { take(uid: string): { taken: number; release(): void } };

export function createPlaces(): Places {
  const taken = new Map<string, number>();
  return {
    take: (uid) => {
      const count = (taken.get(uid) ?? 0) + 1;
      taken.set(uid, count);
      return {
        taken: count,
        release: () => {
          const left = (taken.get(uid) ?? 1) - 1;
          if (left > 0) taken.set(uid, left);
          else taken.delete(uid);
        },
      };
    },
  };
}
