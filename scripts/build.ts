/** `npm run build`: the programs as JavaScript in dist/src, and the workflows as one bundle in dist. */
import { chmod, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { Command } from 'commander';
import { bundlePrograms } from './bundle.ts';

new Command('npm run build').description('Builds the programs and the workflow bundle in dist').parse();

const dist = new URL('../dist/', import.meta.url);

await rm(dist, { recursive: true, force: true });
await bundlePrograms(['src/worker.ts', 'src/client.ts'], fileURLToPath(dist));
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../src/workflows/index.ts', import.meta.url)),
});
await writeFile(new URL('workflow-bundle.js', dist), code);
// package.json names it as a command.
await chmod(new URL('src/client.js', dist), 0o755);
