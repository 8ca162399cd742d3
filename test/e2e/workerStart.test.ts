import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startProgram, startWorker } from '../../scripts/program.ts';
import { closedPort, portOf, sendJson, serve } from '../support/localServer.ts';
import { unique } from '../support/temporal.ts';

const AUTHORIZATIONS_FILE = '/nowhere/authorizations.json';

/** What a worker prints that does not start. */
async function failToStart(env: NodeJS.ProcessEnv): Promise<string> {
  const TASK_QUEUE = unique('start');
  const worker = startProgram('src/worker.ts', [], { AUTHORIZATIONS_FILE, TASK_QUEUE, ...env });
  onTestFinished(() => worker.kill('SIGKILL'));
  expect(await worker.exited).toBe(1);
  // Only the line on the failure: a missing authorizations file does not keep a worker from starting.
  const lines = worker.output().trim().split('\n');
  return lines.filter((line) => !line.startsWith('{')).join('\n');
}

describe('a worker that cannot start ends with one line', () => {
  const TEMPORAL_ADDRESS = inject('temporalAddress');

  it('when the namespace does not exist', async () => {
    expect(await failToStart({ TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: 'nowhere' })).toBe(
      `TEMPORAL_NAMESPACE: the namespace "nowhere" does not exist at ${TEMPORAL_ADDRESS}`,
    );
  });

  it('when nothing listens', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    expect(await failToStart({ TEMPORAL_ADDRESS: address })).toBe(
      `No Temporal server answers at ${address}: connection refused; start a server with "npm run dev-server", or set TEMPORAL_ADDRESS`,
    );
  });

  it('when a server of another kind answers', async () => {
    const other = await serve((_, response) => sendJson(response, {}));
    onTestFinished(() => other.close());
    const address = `127.0.0.1:${other.port}`;
    expect(await failToStart({ TEMPORAL_ADDRESS: address })).toMatch(
      new RegExp(`^No Temporal server answers at ${address}: [^:{}]+$`),
    );
  });

  it('when nothing answers in time', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const address = `127.0.0.1:${portOf(silent.address())}`;
    expect(await failToStart({ TEMPORAL_ADDRESS: address })).toBe(
      `No Temporal server answers at ${address}: no answer within 4 s; set TEMPORAL_ADDRESS`,
    );
  });

  it('when the server does not use TLS but an API key requires it', async () => {
    expect(await failToStart({ TEMPORAL_ADDRESS, TEMPORAL_API_KEY: 'key' })).toBe(
      `No Temporal server answers at ${TEMPORAL_ADDRESS}: the server does not use TLS; unset TEMPORAL_TLS and TEMPORAL_API_KEY, which turns TLS on`,
    );
  });

  it('when the port for metrics is in use', async () => {
    const other = await serve(() => {});
    onTestFinished(() => other.close());
    const METRICS_PORT = String(other.port);
    expect(await failToStart({ TEMPORAL_ADDRESS, METRICS_PORT, METRICS_HOST: 'localhost' })).toBe(
      `METRICS_PORT: cannot listen at 127.0.0.1:${other.port} (address already in use)`,
    );
  });

  it('when the host for metrics does not exist', async () => {
    const METRICS_PORT = String(await closedPort());
    expect(await failToStart({ TEMPORAL_ADDRESS, METRICS_PORT, METRICS_HOST: 'nowhere.invalid' })).toBe(
      'METRICS_HOST: the host "nowhere.invalid" was not found',
    );
  });
});

it('a worker reports what is missing in its authorizations, and serves metrics on all addresses', async () => {
  const port = await closedPort();
  const worker = await startWorker({
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TASK_QUEUE: unique('start'),
    AUTHORIZATIONS_FILE,
    METRICS_PORT: String(port),
    METRICS_HOST: '::',
  });
  onTestFinished(() => worker.stop());
  expect(worker.output()).toContain(`${AUTHORIZATIONS_FILE} could not be read (ENOENT)`);
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
});
