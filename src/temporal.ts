import { loadClientConnectConfig } from '@temporalio/envconfig';

export const DEFAULT_ADDRESS = 'localhost:7233';

/** Where Temporal is, from `TEMPORAL_*` and temporal.toml: the same for the client and the worker. */
export function readTemporalConfig() {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? DEFAULT_ADDRESS;
  return { connectionOptions: { ...connectionOptions, address }, namespace, address };
}

/** One line for a person whose server is not there. */
export function unreachable(address: string, error: unknown): string {
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return `No Temporal server answers at ${address} (${reason}). Start one with "npm run dev-server", or set TEMPORAL_ADDRESS`;
}
