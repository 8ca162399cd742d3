import { WorkflowUpdateFailedError } from '@temporalio/client';
import { slugOf } from '../names.ts';
import { pauseUpdate, resumeUpdate } from '../workflows/messages.ts';
import { Refused } from './errors.ts';
import type { Jobs } from './jobs.ts';

/** What pausing or resuming changed, for people: a line each. */
export async function setPaused(
  jobs: Jobs,
  name: string,
  isPaused: boolean,
  note: string,
): Promise<string[]> {
  const done: string[] = [];
  if (await jobs.setPaused(name, isPaused, note)) {
    done.push(isPaused ? 'The schedule is paused.' : 'The schedule goes on.');
  }
  const workflowId = await jobs.runUnderWay(name);
  if (workflowId !== undefined) {
    const run = jobs.handleOf(workflowId);
    try {
      const answer = isPaused
        ? await run.executeUpdate(pauseUpdate, { args: [note || undefined] })
        : await run.executeUpdate(resumeUpdate);
      done.push(`${answer}.`);
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      // The schedule's change stands; that the run had nothing to change is worth a line.
      const reason = error.cause?.message ?? error.message;
      if (done.length === 0) throw new Refused(reason);
      done.push(`${reason}.`);
    }
  }
  if (done.length > 0) return done;
  const isKnown = (await jobs.describeSchedule(name)) !== undefined;
  if (!isKnown)
    throw new Refused(`"${slugOf(name)}" has no schedule and no run under way; "list" shows the jobs`);
  throw new Refused(`"${slugOf(name)}" is ${isPaused ? 'paused already' : 'not paused'}`);
}
