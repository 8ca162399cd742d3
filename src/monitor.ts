/** What a person who watches a run should know about its calls. */
export interface CallMonitor {
  /** A request was sent. Call the result once, when it is answered or given up. */
  sent(service: 'Gigya' | 'Lytics'): (isAnswered: boolean) => void;
  /** A call succeeded: whatever was in the way is not any more. */
  succeeded(): void;
  /** A call is retried, or waits for this long. */
  trouble(message: string, lastsMs?: number): void;
  /** The service limits the rate. */
  throttled(message: string): void;
}
