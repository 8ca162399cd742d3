import { Client, Connection } from '@temporalio/client';
import { TASK_QUEUE } from '../names.ts';
import { readTemporalConfig, unreachable } from '../temporal.ts';
import { Unreachable, UsageError } from './errors.ts';

/** The connection to Temporal, and the task queue of the workers. */
export interface Temporal {
  client: Client;
  taskQueue: string;
}

/** Connects, runs a command, and always closes the connection. */
export async function withTemporal<T>(command: (temporal: Temporal) => Promise<T>): Promise<T> {
  const { connectionOptions, namespace, address } = readConfig();
  const connection = await Connection.connect({ connectTimeout: '5 s', ...connectionOptions }).catch(
    (error: unknown) => {
      throw new Unreachable(unreachable(address, error));
    },
  );
  try {
    const client = new Client({ connection, namespace });
    return await command({ client, taskQueue: process.env['TASK_QUEUE'] || TASK_QUEUE });
  } finally {
    await connection.close();
  }
}

function readConfig(): ReturnType<typeof readTemporalConfig> {
  try {
    return readTemporalConfig();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
