import { connect } from 'node:net';
import { Client, Connection, isGrpcServiceError, ServiceError } from '@temporalio/client';
import { TASK_QUEUE } from '../names.ts';
import { noNamespace, readTemporalConfig, unreachable } from '../temporal.ts';
import { Unreachable, UsageError } from './errors.ts';

/** The connection to Temporal, and the task queue of the workers. */
export interface Temporal {
  client: Client;
  taskQueue: string;
}

const SOCKET_MS = 2_000;

/** Connects, runs a command, and always closes the connection. */
export async function withTemporal<T>(command: (temporal: Temporal) => Promise<T>): Promise<T> {
  const { connectionOptions, namespace, address } = readConfig();
  const connection = await Connection.connect({ connectTimeout: '5 s', ...connectionOptions }).catch(
    async (error: unknown) => {
      throw new Unreachable(unreachable(address, (await socketError(address)) ?? error));
    },
  );
  try {
    const client = new Client({ connection, namespace });
    return await command({ client, taskQueue: process.env['TASK_QUEUE'] || TASK_QUEUE });
  } catch (error) {
    if (isNamespaceNotFound(error)) throw new UsageError(noNamespace(namespace, address));
    throw error;
  } finally {
    await connection.close();
  }
}

/** grpc-js reports a missing host or a refused connection as a timeout; a plain socket tells which it is. */
function socketError(address: string): Promise<Error | undefined> {
  const [host = '', port = ''] = address.split(/:(?=\d+$)/);
  if (Number(port) > 65_535) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: SOCKET_MS });
    const end = (error?: Error) => {
      socket.destroy();
      resolve(error);
    };
    socket.once('error', end);
    socket.once('connect', () => end());
    socket.once('timeout', () => end());
  });
}

function isNamespaceNotFound(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && /^Namespace \S+ is not found/.test(cause.details);
}

function readConfig(): ReturnType<typeof readTemporalConfig> {
  try {
    return readTemporalConfig();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
