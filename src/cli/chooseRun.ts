import type { RunReference } from '../rows.ts';
import type { Temporal } from './connect.ts';
import { Refused } from './errors.ts';
import { isOpen, type KnownJob } from './jobs.ts';
import { describeRun, listRuns, type Run } from './runs.ts';

/** The job's run with this id. @throws {Refused} when the job has none. */
export async function runWithId(temporal: Temporal, job: KnownJob, runId: string): Promise<Run> {
  const workflowIds = new Set(job.runs.map(({ workflowId }) => workflowId));
  for await (const run of listRuns(temporal, job.id)) {
    workflowIds.add(run.workflowId);
    if (run.runId === runId) break;
  }
  for (const workflowId of [...workflowIds].reverse()) {
    const run = await describeRun(temporal, workflowId, runId);
    if (run) return run;
  }
  throw new Refused(
    `"${job.name}" has no run ${runId}; "history" lists the runs as far back as the namespace keeps them`,
  );
}

/** The job's newest run that wrote, once it has ended. @throws {Refused} */
export function newestWritten({ name, runs }: KnownJob): Run {
  const run = runs.find((one) => !isOpen(one) && !one.title.dryRun);
  if (!run) throw new Refused(`"${name}" has no run that has ended and is not a preview`);
  return run;
}

/** The newest run that has begun; of a cron that waits for its time, the run before it. @throws {Refused} */
export function newestBegun({ runs, name }: KnownJob): RunReference {
  const [newest] = runs;
  if (newest?.hasBegun) return newest;
  if (newest && newest.previousRunId !== null) {
    return { workflowId: newest.workflowId, runId: newest.previousRunId };
  }
  throw new Refused(`The job "${name}" has not run yet`);
}
