import type { WorkflowHandle } from '@temporalio/client';
import { askRows } from '../../src/cli/askRows.ts';
import type { JobDocument } from '../../src/job.ts';
import { ROWS_WORKFLOW, type RowSelection, rowsIdOf, workflowIdOf } from '../../src/names.ts';
import type { RowKind, RowsByKind, RunReference } from '../../src/rows.ts';
import type { exportRows } from '../../src/workflows/index.ts';
import type { Rig } from './rig.ts';

export type RowsHandle = WorkflowHandle<typeof exportRows>;

/** Starts the export of rows of an earlier run. */
export function startRows(
  { client, taskQueue }: Pick<Rig, 'client' | 'taskQueue'>,
  document: JobDocument,
  rows: RowSelection,
  { workflowId: workflow_id, runId: run_id }: RunReference,
  workflowId = rowsIdOf(workflowIdOf(document.name), rows),
): Promise<RowsHandle> {
  return client.workflow.start<typeof exportRows>(ROWS_WORKFLOW, {
    workflowId,
    taskQueue,
    args: [document, { rows, workflow_id, run_id }],
  });
}

export async function referenceTo(handle: Pick<RowsHandle, 'describe'>): Promise<RunReference> {
  const { workflowId, runId } = await handle.describe();
  return { workflowId, runId };
}

/** The rows of a run, as a client reads them. */
export async function rowsOf<Kind extends RowKind>(
  { client, taskQueue }: Pick<Rig, 'client' | 'taskQueue'>,
  run: RunReference,
  kind: Kind,
): Promise<RowsByKind[Kind][]> {
  const rows: RowsByKind[Kind][] = [];
  for await (const row of askRows({ client, taskQueue }, run, kind)) rows.push(row);
  return rows;
}
