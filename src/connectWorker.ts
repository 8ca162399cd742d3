import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { SettingError } from './settings.ts';
import { noNamespace, type readTemporalConfig, unreachable } from './temporal.ts';

/** For the connection and for the first call, each. */
const LIMIT_MS = 4_000;

const GRPC_NOT_FOUND = 5;

/**
 * Connects and looks for the namespace.
 *
 * @throws when server, credentials or namespace are wrong: a worker that started would retry for ever.
 */
export async function connectWorker(
  temporal: ReturnType<typeof readTemporalConfig>,
): Promise<NativeConnection> {
  const { connectionOptions, namespace, address } = temporal;
  try {
    const connection = await Promise.race([NativeConnection.connect(connectionOptions), timeLimit()]);
    await connection.withDeadline(Date.now() + LIMIT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return connection;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === GRPC_NOT_FOUND)
      throw new SettingError(noNamespace(namespace, address));
    throw new Error(unreachable(address, error));
  }
}

async function timeLimit(): Promise<never> {
  await sleep(LIMIT_MS, undefined, { ref: false });
  throw new Error(`no answer within ${LIMIT_MS / 1000} s; set TEMPORAL_ADDRESS`);
}
