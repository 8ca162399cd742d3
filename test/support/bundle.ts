import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

/** The code that a worker runs workflows from. */
export async function bundleWorkflows(workflowsPath = WORKFLOWS): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  return code;
}

/** The code with one passage changed. Throws if it is missing: a mutation without effect proves nothing. */
export function mutate(code: string, passage: string | RegExp, replacement: string): string {
  const mutated = code.replace(passage, replacement);
  if (mutated === code) throw new Error(`The code holds no ${passage}`);
  return mutated;
}
