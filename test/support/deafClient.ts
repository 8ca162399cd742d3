import { Client, Connection } from '@temporalio/client';
import { onTestFinished, vi } from 'vitest';

export interface DeafClient {
  client: Client;
  /** What the run was signalled, in order. */
  signals: unknown[];
  /** What heartbeats carried, in order. */
  details: unknown[];
  /** How the server answers a heartbeat: by nothing, or by what this throws. */
  onHeartbeat(answer: () => Promise<void>): void;
  heartbeats(): number;
}

/** A client that never connects: what it is asked to send is kept here. */
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
