/**
 * Names that two programs share: ids, the task queue, workflow and failure types. No zod and no client in
 * here, so that workflows can import it.
 */

/** Where workers poll unless `TASK_QUEUE` names another. */
export const TASK_QUEUE = 'gigya-export';

/** Where the activities of questions and alerts run: slow exports must not delay them. */
export function questionsQueue(taskQueue: string): string {
  return `${taskQueue}-questions`;
}

export const EXPORT_WORKFLOW = 'exportAudience';
export const ROWS_WORKFLOW = 'exportRows';

/**
 * Rows of an earlier run that {@link ROWS_WORKFLOW} exports: `failures` are the users who could not be written, `plan`
 * is what a preview found.
 */
export const ROW_SELECTIONS = ['failures', 'plan'] as const;
export type RowSelection = (typeof ROW_SELECTIONS)[number];

/** Ids of jobs begin with this; ids of questions to a worker begin with {@link QUESTION_PREFIX}. */
export const JOB_PREFIX = 'gigya-export/';
export const QUESTION_PREFIX = 'gigya-export-question/';

/** Failures that no retry fixes, of activities and runs. A run also ends with {@link SEAL_BROKEN}, {@link TIMEOUT} or {@link UNEXPECTED}. */
export const FINAL_FAILURES = ['InvalidJob', 'Configuration', 'Guard', 'Accounting'] as const;
export type FinalFailure = (typeof FINAL_FAILURES)[number];

/** A page cannot be opened: the secret that it was sealed under has changed. */
export const SEAL_BROKEN = 'SealBroken';

/** An activity did not finish within its time limit, whatever its last failure was. */
export const TIMEOUT = 'Timeout';

/** A bug of ours; an attempt that fails so is repeated a few times. */
export const UNEXPECTED = 'Unexpected';

/** An attempt that stopped by itself, for the next to continue. */
export const ATTEMPT_OVER = 'AttemptOver';

/** The worker has no room for another page, or the job has no room for another run; tried again soon. */
export const BUSY = 'Busy';

/** The worker lacks an authorization that another may have. */
export const NO_AUTHORIZATION = 'Authorization';

/** An alert could not be sent. */
export const NO_ALERT = 'Alert';

/** A service failed or did not answer. */
export const SERVICES = ['Gigya', 'Lytics'] as const;
export type Service = (typeof SERVICES)[number];

/** The signal that an activity reports with what it waits for. */
export const TROUBLE_SIGNAL = 'trouble';

/** An update was rejected by its validator; the message says why. */
export const REFUSED = 'Refused';

/**
 * `VIPs to Gigya` → `vips-to-gigya`: letters and digits of any script stay, with their marks; everything else
 * becomes a dash. Marks without a letter are dropped too: emoji leave invisible ones.
 */
export function slugOf(name: string): string {
  const letters = name.normalize('NFKC').toLowerCase().normalize('NFKC').replace(VARIATION_SELECTORS, '');
  return (letters.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? []).join('-');
}

/** Marks that only choose between shapes of a character, such as the keycap of a digit. */
const VARIATION_SELECTORS = /[\ufe00-\ufe0f]/g;

/** The id of the job's workflow, and of its schedule if it has one. */
export function workflowIdOf(name: string): string {
  return `${JOB_PREFIX}${slugOf(name)}`;
}

/**
 * The id of the workflow that exports rows of a job's earlier run. There is one for each selection, so that the server
 * refuses a second one, and a run of the job finds an open one without searching.
 */
export function rowsIdOf(jobId: string, selection: RowSelection): string {
  return `${jobId}/rows-${selection}`;
}

/** What a workflow with this id exports; undefined for one that exports an audience. */
export function selectionOf(workflowId: string): RowSelection | undefined {
  return ROW_SELECTIONS.find((selection) => workflowId.endsWith(`/rows-${selection}`));
}

/** The end of a preview's id: no slug contains a slash. */
export const PREVIEW = '/preview';

/** The id of a job's previews: one at a time, beside its runs. */
export function previewIdOf(jobId: string): string {
  return `${jobId}${PREVIEW}`;
}

/** The id of the job that a preview's id belongs to; any other id is returned as it is. */
export function withoutPreview(id: string): string {
  return id.endsWith(PREVIEW) ? id.slice(0, -PREVIEW.length) : id;
}

/** The slug in a job's workflow or schedule id; undefined for ids that belong to something else. */
export function slugFromId(id: string): string | undefined {
  return id.startsWith(JOB_PREFIX) ? id.slice(JOB_PREFIX.length) : undefined;
}
