import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startDevServer } from '../../scripts/devServer.ts';
import { bundleWorkflows } from './bundle.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the Temporal server that all test files share. */
    temporalAddress: string;
    /** The workflow bundle for all workers that run in a test's own process. */
    workflowBundle: string;
  }
}

/** One Temporal server and one bundle for all test files; each test has its own task queue. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'gigya-export-tests-'));
  const bundle = join(folder, 'workflows.js');
  const [server, code] = await Promise.all([
    startDevServer({ log: console.error, namespaces: ['client', 'schedules', 'commands'] }),
    bundleWorkflows(),
  ]);
  await writeFile(bundle, code);
  project.provide('temporalAddress', server.address);
  project.provide('workflowBundle', bundle);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
