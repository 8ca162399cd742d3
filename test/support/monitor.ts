import type { CallMonitor } from '../../src/monitor.ts';

/** A monitor that keeps what it hears. */
export interface RecordedMonitor {
  monitor: CallMonitor;
  troubles: string[];
  throttled: string[];
  /** Requests that were sent, and what became of each. */
  requests: { service: string; isAnswered: boolean | undefined }[];
  successes(): number;
}

export function recordMonitor(onTrouble: () => void = () => {}): RecordedMonitor {
  const troubles: string[] = [];
  const throttled: string[] = [];
  const requests: RecordedMonitor['requests'] = [];
  let successes = 0;
  return {
    troubles,
    throttled,
    requests,
    successes: () => successes,
    monitor: {
      sent(service) {
        const request: RecordedMonitor['requests'][number] = { service, isAnswered: undefined };
        requests.push(request);
        return (isAnswered) => {
          request.isAnswered = isAnswered;
        };
      },
      succeeded() {
        successes++;
      },
      trouble(message) {
        troubles.push(message);
        onTrouble();
      },
      throttled(message) {
        throttled.push(message);
      },
    },
  };
}
