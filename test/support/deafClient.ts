import { Client, Connection } from '@temporalio/client';
import { onTestFinished, vi } from 'vitest';

export interface DeafClient {
  client: Client;
  /** The signals to the run, in order. */
  signals: unknown[];
  /** The details of the heartbeats, in order. */
  details: unknown[];
  /** The server's answer to a heartbeat: nothing, or the error that this throws. */
  onHeartbeat(answer: () => Promise<void>): void;
  heartbeats(): number;
}

/** A client that never connects and records what it would send. */
export function deafClient(): DeafClient {
  const signals: unknown[] = [];
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const client = new Client({
    connection,
    interceptors: {
      workflow: [
        {
          async signal({ signalName, args }) {
            signals.push([signalName, ...args]);
          },
        },
      ],
    },
  });
  let answer = async () => {};
  const details: unknown[] = [];
  const heartbeat = vi.spyOn(client.activity, 'heartbeat').mockImplementation((_activity, sent) => {
    details.push(sent);
    return answer();
  });
  onTestFinished(() => connection.close());
  return {
    client,
    signals,
    details,
    onHeartbeat(other) {
      answer = other;
    },
    heartbeats: () => heartbeat.mock.calls.length,
  };
}
