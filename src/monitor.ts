/** Receives what happens to calls, for the run's status. */
export interface CallMonitor {
  /** A request was sent. Call the result once, when it is answered or given up. */
  sent(service: 'Gigya' | 'Lytics'): (isAnswered: boolean) => void;
  /** A call succeeded: earlier problems have passed. */
  succeeded(): void;
  /** A call is retried, or waits for this long. */
  trouble(message: string, lastsMs?: number): void;
  /** The service limits the rate, and has done so for this long. */
  throttled(message: string, lastedMs: number): void;
}
