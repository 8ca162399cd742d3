import type { WorkflowBundleOption } from '@temporalio/worker';
import { inject } from 'vitest';

/** The Temporal server and the bundle that all test files share. */
export function provided(): { address: string; workflowBundle: WorkflowBundleOption } {
  return { address: inject('temporalAddress'), workflowBundle: { codePath: inject('workflowBundle') } };
}
