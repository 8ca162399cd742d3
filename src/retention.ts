import type { Client } from '@temporalio/client';

/** How long the namespace keeps runs, for messages about runs that Temporal does not have. */
export async function retentionOf({ options, workflowService }: Client): Promise<string> {
  const { namespace } = options;
  const { config } = await workflowService.describeNamespace({ namespace });
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
  return `the namespace "${namespace}" keeps runs for ${Math.round(days * 10) / 10} days after their end`;
}
