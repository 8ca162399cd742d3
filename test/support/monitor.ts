import type { CallMonitor } from '../../src/monitor.ts';

/** A monitor that records its calls. */
export interface RecordedMonitor {
  monitor: CallMonitor;
  troubles: string[];
  throttled: string[];
  /** The requests, each with its outcome. */
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
