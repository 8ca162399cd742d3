import type { Service } from './names.ts';

/** Requests that were sent, retries included. */
export interface Calls {
  lytics: number;
  /** Without searches, which have a limit of their own. */
  gigya: number;
  searches: number;
}

/** Receives what happens to calls, for the run's status. */
export interface CallMonitor {
  /** A request was sent. Call the result once, when it is answered or given up. */
  sent(service: Service, kind?: 'search'): (isAnswered: boolean) => void;
  /** A call succeeded: earlier problems have passed. */
  succeeded(): void;
  /** A call is retried, or waits for this long. */
  trouble(message: string, lastsMs?: number): void;
  /** The service limits the rate, and has done so for this long. */
  throttled(message: string, lastedMs: number): void;
}
