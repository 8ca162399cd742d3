import { Client, Connection } from '@temporalio/client';
import { onTestFinished, vi } from 'vitest';

export interface DeafClient {
  client: Client;
  /** The signals that were sent, in order. */
  signals: unknown[];
  /** Sets how the server answers a heartbeat: not at all, or with the error that this throws. */
  onHeartbeat(answer: () => Promise<void>): void;
  heartbeats(): number;
}

/** A client that never connects and keeps what it should send. */
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
  const heartbeat = vi.spyOn(client.activity, 'heartbeat').mockImplementation(() => answer());
  onTestFinished(() => connection.close());
  return {
    client,
    signals,
    onHeartbeat(other) {
      answer = other;
    },
    heartbeats: () => heartbeat.mock.calls.length,
  };
}
