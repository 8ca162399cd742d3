import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { bundlePrograms } from '../../scripts/bundle.ts';
import { startDevServer } from '../../scripts/devServer.ts';
import { bundleWorkflows } from './bundle.ts';
import { DELETES_SOON } from './temporal.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the Temporal server that all test files share. */
    temporalAddress: string;
    /** The workflow bundle for all workers that run in a test's own process. */
    workflowBundle: string;
  }
}

/** Inside the checkout: the bundled worker finds its packages from there. */
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
/** What tests start as processes. From the sources, each start would compile them for a second. */
const PROGRAMS = ['src/worker.ts', 'src/client.ts', 'sandbox/main.ts'];

/** One Temporal server and one bundle for all test files; each test has its own task queue. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'programs-'));
  // A bundled worker looks for it there.
  const bundle = join(folder, 'workflow-bundle.js');
  const [server, code] = await Promise.all([
    startDevServer({
      log: console.error,
      namespaces: ['client', 'schedules', 'commands'],
      dynamicConfig: DELETES_SOON,
    }),
    bundleWorkflows(),
    bundlePrograms(PROGRAMS, folder),
  ]);
  await writeFile(bundle, code);
  process.env['BUNDLED_PROGRAMS'] = folder;
  project.provide('temporalAddress', server.address);
  project.provide('workflowBundle', bundle);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
