import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptionsAction,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { InvalidJob, type Job, parseJob } from '../job.ts';
import { EXPORT_WORKFLOW, slugFromId, slugOf, workflowIdOf } from '../names.ts';
import type { exportAudience } from '../workflows/index.ts';
import { Refused } from './errors.ts';

export interface JobsOptions {
  client: Client;
  taskQueue: string;
}

/** The jobs of a Temporal namespace: a schedule each, or a workflow that was started once. */
export function createJobs({ client, taskQueue }: JobsOptions) {
  const { workflow, schedule } = client;

  function actionOf(job: Job): ScheduleOptionsAction {
    return {
      type: 'startWorkflow',
      workflowType: EXPORT_WORKFLOW,
      workflowId: workflowIdOf(job.name),
      taskQueue,
      args: [job],
      ...shownAs(job),
    };
  }

  function scheduleOf(job: Job) {
    const [hour = '0', minute = '0'] = job.config.time_of_day.split(':');
    return {
      action: actionOf(job),
      spec: {
        calendars: [{ hour: Number(hour), minute: Number(minute) }],
        timezone: job.config.timezone,
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' as const },
    };
  }

  /** The job's schedule; undefined when it has none. */
  async function describeSchedule(name: string): Promise<ScheduleDescription | undefined> {
    try {
      return await schedule.getHandle(workflowIdOf(name)).describe();
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  }

  function handleOf(workflowId: string, runId?: string): WorkflowHandle<typeof exportAudience> {
    return workflow.getHandle<typeof exportAudience>(workflowId, runId);
  }

  /** The workflow id of the run that is under way, else of the newest; undefined when the job never ran. */
  async function newestRun(name: string): Promise<string | undefined> {
    const described = await describeSchedule(name);
    const current = described?.info.runningActions.at(-1) ?? described?.info.recentActions.at(-1)?.action;
    if (current) return current.workflow.workflowId;
    // Started alone, or by a schedule that is deleted by now: a list is a moment behind, a description is not.
    const [alone, listed] = await Promise.all([describeRun(workflowIdOf(name)), runs(name).next()]);
    if (!listed.value || (alone && alone.startTime >= listed.value.startTime)) return alone?.workflowId;
    return listed.value.workflowId;
  }

  async function describeRun(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await workflow.getHandle(workflowId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  /** The runs of a job, newest first. */
  async function* runs(name: string) {
    const id = workflowIdOf(name);
    const query = `WorkflowType = "${EXPORT_WORKFLOW}" AND (TemporalScheduledById = "${id}" OR WorkflowId = "${id}")`;
    // Part of a chain that continued as new is no run of its own.
    for await (const run of workflow.list({ query })) if (run.status.name !== 'CONTINUED_AS_NEW') yield run;
  }

  /** The workflow id of the run that is under way. */
  async function runUnderWay(name: string): Promise<string | undefined> {
    const workflowId = await newestRun(name);
    if (workflowId === undefined) return undefined;
    const { status } = await workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' ? workflowId : undefined;
  }

  /** Starts the schedule's run now. Two runs of a job never write side by side. */
  async function trigger(name: string): Promise<string> {
    const handle = schedule.getHandle(workflowIdOf(name));
    const before = await describeSchedule(name);
    if (!before) throw new Refused(`The job "${name}" has no schedule; start it with "run"`);
    if ((await runUnderWay(name)) !== undefined) {
      throw new Refused(`A run of "${name}" is under way; follow it with "follow ${slugOf(name)}"`);
    }
    const known = new Set(before.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    return waitForRun(name, known);
  }

  /** The schedule starts its run a moment after it was asked to. */
  async function waitForRun(name: string, known: Set<string>): Promise<string> {
    const deadline = Date.now() + 15_000;
    while (Date.now() < deadline) {
      const described = await describeSchedule(name);
      const runs = described?.info.recentActions.map(({ action }) => action.workflow) ?? [];
      const fresh = runs.find(({ firstExecutionRunId }) => !known.has(firstExecutionRunId));
      if (fresh) return fresh.workflowId;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Refused(
      `The schedule of "${name}" started no run; see it with "npm run temporal -- schedule describe"`,
    );
  }

  return {
    handleOf,
    describeSchedule,
    newestRun,
    runUnderWay,
    trigger,
    runs,

    /** Runs the job once: by its schedule when it has one, else by itself. */
    async run(job: Job): Promise<string> {
      const scheduled = await describeSchedule(job.name);
      if (scheduled && !isDeepStrictEqual(documentOf(scheduled), job)) {
        const fix = 'bring it to this one with "create", or give this one another name';
        throw new Refused(`"${job.name}" has a schedule with another document; ${fix}`);
      }
      if (scheduled) return trigger(job.name);
      const workflowId = workflowIdOf(job.name);
      try {
        await workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
          workflowId,
          taskQueue,
          args: [job],
          ...shownAs(job),
        });
        return workflowId;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw new Refused(`A run of "${job.name}" is under way; follow it with "follow ${slugOf(job.name)}"`);
      }
    },

    /** Makes the job's schedule, with a first run at once, or brings it to a changed document. */
    async keepUpdated(job: Job): Promise<{ outcome: 'created' | 'updated' | 'unchanged'; run?: string }> {
      const present = await describeSchedule(job.name);
      if (!present) {
        if ((await runUnderWay(job.name)) !== undefined) {
          throw new Refused(`A run of "${job.name}" is under way; create the schedule when it has ended`);
        }
        const scheduleId = workflowIdOf(job.name);
        await schedule.create({ scheduleId, ...scheduleOf(job) });
        // Not by `triggerImmediately`: what that starts, the schedule would not skip a later run for.
        return { outcome: 'created', run: await trigger(job.name) };
      }
      if (isDeepStrictEqual(documentOf(present), job)) return { outcome: 'unchanged' };
      // The whole spec is replaced: a part of it would add to the times that are there.
      await schedule.getHandle(present.scheduleId).update(({ state }) => ({ ...scheduleOf(job), state }));
      return { outcome: 'updated' };
    },

    /** The slugs of all jobs, those with a schedule first. */
    async names(): Promise<string[]> {
      const slugs = new Set<string>();
      const addSlug = (id: string) => {
        const slug = slugFromId(id);
        if (slug !== undefined) slugs.add(slug);
      };
      for await (const { scheduleId } of schedule.list()) addSlug(scheduleId);
      const query = `WorkflowType = "${EXPORT_WORKFLOW}"`;
      for await (const run of workflow.list({ query })) {
        const [scheduledBy] = run.searchAttributes['TemporalScheduledById'] ?? [];
        const id = typeof scheduledBy === 'string' ? scheduledBy : run.workflowId;
        addSlug(id);
      }
      return [...slugs];
    },

    async delete(name: string): Promise<void> {
      try {
        await schedule.getHandle(workflowIdOf(name)).delete();
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        throw new Refused(`The job "${name}" has no schedule to delete; "list" shows those that have`);
      }
    },

    async setPaused(name: string, isPaused: boolean, note: string): Promise<boolean> {
      const present = await describeSchedule(name);
      if (!present || present.state.paused === isPaused) return false;
      const handle = schedule.getHandle(present.scheduleId);
      await (isPaused
        ? handle.pause(note || 'paused by a person')
        : handle.unpause(note || 'resumed by a person'));
      return true;
    },
  };
}

export type Jobs = ReturnType<typeof createJobs>;

/** The document a schedule starts its runs with; undefined when it is none of ours. */
export function documentOf({ action }: Pick<ScheduleDescription, 'action'>): Job | undefined {
  const [document] = action.args ?? [];
  try {
    return parseJob(document);
  } catch (error) {
    if (error instanceof InvalidJob) return undefined;
    throw error;
  }
}

/** What the Web UI says of the job's runs. */
function shownAs({ name, description, config }: Job) {
  const target = config.target_storage === 'account' ? 'accounts' : 'the Data Store';
  return {
    staticSummary: `${name}: audience ${config.segment_id} to ${target}`,
    ...(description && { staticDetails: description }),
  };
}
