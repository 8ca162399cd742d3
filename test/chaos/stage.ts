import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { JournalEntry } from '../../sandbox/client.ts';
import { type Program, startWorker } from '../../scripts/program.ts';
import type { MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { JobConfig, JobDocument } from '../../src/job.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { jobDocument } from '../support/jobs.ts';
import { type QuickSandbox, type QuickSandboxOptions, startQuickSandbox } from '../support/quickSandbox.ts';
import { connectClient, type ExportHandle, unique } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** What an authorization has unless it says otherwise: so many writes may be under way when a worker dies. */
export const CONNECTIONS = 20;

export interface StageOptions {
  address: string;
  sandbox: QuickSandboxOptions;
}

/** A sandbox, a task queue of its own, and workers that come and go. */
export interface Stage {
  client: Client;
  sandbox: QuickSandbox;
  startWorker(env?: NodeJS.ProcessEnv, file?: string): Promise<Program>;
  start(config?: Partial<JobConfig>): Promise<ExportHandle>;
  /** Waits until so many writes have been applied. */
  untilWritten(count: number): Promise<void>;
  /** Ends whatever runs still. */
  stop(): Promise<void>;
}

export async function openStage({ address, sandbox: options }: StageOptions): Promise<Stage> {
  const taskQueue = unique('chaos');
  const client = connectClient(address);
  const sandbox = await startQuickSandbox(options);
  const workers: Program[] = [];
  let seen = 0;
  let written = 0;
  return {
    client,
    sandbox,
    async startWorker(env = {}, file = 'src/worker.ts') {
      const { authorizationsFile } = sandbox;
      const own = {
        TEMPORAL_ADDRESS: address,
        TASK_QUEUE: taskQueue,
        AUTHORIZATIONS_FILE: authorizationsFile,
      };
      const worker = await startWorker({ ...own, ...env }, file);
      workers.push(worker);
      return worker;
    },
    start(config) {
      const job: JobDocument = jobDocument('chaos', config);
      const workflowId = unique('chaos');
      return client.workflow.start<typeof exportAudience>('exportAudience', {
        workflowId,
        taskQueue,
        args: [job],
      });
    },
    untilWritten: (count) =>
      until(
        async () => {
          const news = await sandbox.admin.journal(seen);
          seen = news.at(-1)?.n ?? seen;
          written += news.filter(({ applied }) => applied).length;
          return written >= count || undefined;
        },
        { limitMs: 240_000 },
      ).then(() => undefined),
    async stop() {
      for (const worker of workers) worker.kill('SIGKILL');
      await Promise.all(workers.map(({ exited }) => exited));
      await sandbox.kill();
      await client.connection.close();
    },
  };
}

/** The most writes within any second: what a worker can have done since its last heartbeat. */
export function mostInASecond(writes: readonly JournalEntry[]): number {
  const times = writes.map(({ at }) => Date.parse(at)).sort((one, other) => one - other);
  let most = 0;
  let first = 0;
  for (const [last, time] of times.entries()) {
    while (time - (times[first] ?? time) > 1_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Writes to a user who had been written before in the same scan: a new scan may write again what the index does not show yet. */
export function repeatedIn(writes: readonly JournalEntry[], scansBegan: readonly number[]): number {
  let repeated = 0;
  let written = new Set<string | null>();
  const boundaries = [...scansBegan];
  for (const { at, uid } of writes) {
    while (boundaries[0] !== undefined && Date.parse(at) > boundaries[0]) {
      boundaries.shift();
      written = new Set();
    }
    if (written.has(uid)) repeated++;
    written.add(uid);
  }
  return repeated;
}

/** When the run began to scan the audience, or some lanes again, from the start, each time, in ms. */
export async function scansOf(handle: ExportHandle): Promise<number[]> {
  let begun = new Set<string>();
  return (await fetchesOf(handle)).flatMap(({ at, lanes }) => {
    const beginning = lanes
      .filter(({ cursor }) => cursor.start === '')
      .map(({ hundredths }) => String(hundredths));
    // Lanes begin one after the other; the first that begins again starts another scan.
    const isNew = begun.size === 0 || beginning.some((lane) => begun.has(lane));
    begun = new Set([...(isNew ? [] : begun), ...beginning]);
    return isNew ? [at] : [];
  });
}

/** How many lanes each page was read from. */
export async function lanesReadIn(handle: ExportHandle): Promise<number[]> {
  return (await fetchesOf(handle)).map(({ lanes }) => lanes.length);
}

/** The pages that the run fetched: when, in ms, and from which lanes. */
async function fetchesOf(handle: ExportHandle): Promise<{ at: number; lanes: MembersToFetch['lanes'] }[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ eventTime, activityTaskScheduledEventAttributes: task }) => {
    const [payload] = task?.input?.payloads ?? [];
    if (task?.activityType?.name !== 'fetchMembership' || !payload) return [];
    const { lanes } = defaultPayloadConverter.fromPayload<MembersToFetch>(payload);
    return [{ at: Number(eventTime?.seconds) * 1000 + Number(eventTime?.nanos) / 1e6, lanes }];
  });
}
