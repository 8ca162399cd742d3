import { ROW_SELECTIONS, type RowSelection } from './names.ts';

/** The second argument of the workflow `exportRows`: which rows of which run. */
export interface Selection {
  rows: RowSelection;
  workflow_id: string;
  run_id: string;
}

/** Undefined when it is not a selection: a person may have started the workflow with anything. */
export function readSelection(value: unknown): Selection | undefined {
  const { rows, workflow_id, run_id } = fieldsOf(value);
  const found = ROW_SELECTIONS.find((name) => name === rows);
  return found && isText(workflow_id) && isText(run_id) ? { rows: found, workflow_id, run_id } : undefined;
}

function fieldsOf(value: unknown): Partial<Record<keyof Selection, unknown>> {
  return typeof value === 'object' && value !== null ? value : {};
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
