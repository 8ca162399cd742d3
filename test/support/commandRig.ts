import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { vi } from 'vitest';
import type { Temporal } from '../../src/cli/connect.ts';
import { exitCodeOf, messageOf } from '../../src/cli/errors.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { JobDocument } from '../../src/job.ts';
import { EXPORT_WORKFLOW, workflowIdOf } from '../../src/names.ts';
import { type Progress, resumeUpdate } from '../../src/workflows/messages.ts';
import type { Ended } from './commands.ts';
import { type Ending, endSignal, type exportAudience, showSignal } from './stubExport.ts';
import { connectClient, unique } from './temporal.ts';
import { until } from './until.ts';

export interface CommandOptions {
  /** Replaces the pipe with a terminal of this many columns. */
  columns?: number;
  /** Nobody polls it. */
  taskQueue?: string;
}

/** The client's commands in this process, and runs in any state that a test needs. */
export interface CommandRig extends Temporal {
  env: NodeJS.ProcessEnv;
  command(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  start(document: JobDocument, options?: { cron?: string; workflowId?: string }): Promise<StubRun>;
  /** Any run of the stub, such as one that a schedule started. */
  attach(workflowId: string): StubRun;
  stop(): Promise<void>;
}

export interface StubRun {
  workflowId: string;
  /** Resolves when the run's progress shows it. */
  show(progress: Partial<Progress>): Promise<void>;
  /** Starts the run of a cron years before its time, as any update does. */
  wake(): Promise<void>;
  end(ending: Ending): Promise<void>;
}

export async function startCommandRig(address: string, namespace: string): Promise<CommandRig> {
  const taskQueue = unique('commands');
  const client = connectClient(address, namespace);
  const connection = await NativeConnection.connect({ address });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./stubExport.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const worker = await Worker.create({ connection, namespace, taskQueue, workflowBundle });
  const ended = worker.run();
  const release = captureOutput();
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TASK_QUEUE: taskQueue };
  const attach = (workflowId: string) => attachTo(client, workflowId);
  return {
    client,
    taskQueue,
    env,
    command: (args, options = {}) => runCommand(args, { taskQueue, ...options }, env),
    async start(document, { cron, workflowId = workflowIdOf(document.name) } = {}) {
      await client.workflow.start<typeof exportAudience>(EXPORT_WORKFLOW, {
        workflowId,
        taskQueue,
        args: [document],
        ...(cron !== undefined && { cronSchedule: cron }),
      });
      return attach(workflowId);
    },
    attach,
    async stop() {
      release();
      worker.shutdown();
      await ended;
      await connection.close();
      await client.connection.close();
    },
  };
}

function attachTo(client: Client, workflowId: string): StubRun {
  const handle = client.workflow.getHandle(workflowId);
  return {
    workflowId,
    wake: async () => void (await handle.executeUpdate(resumeUpdate)),
    async show(progress) {
      await handle.signal(showSignal, progress);
      await until(async () => {
        const now = await handle.query<Progress>('progress');
        return Object.entries(progress).every(([key, value]) =>
          Object.entries(now).some(([name, shown]) => name === key && same(shown, value)),
        );
      });
    },
    async end(ending) {
      const { runId } = await handle.describe();
      await handle.signal(endSignal, ending);
      await until(async () => {
        const { status } = await client.workflow.getHandle(workflowId, runId).describe();
        return status.name !== 'RUNNING';
      });
    },
  };
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The output of one of several concurrent commands. */
const printing = new AsyncLocalStorage<{ stdout: string; stderr: string }>();

/** Until the rig stops, the output of a command goes to its test, and everything else to the terminal. */
export function captureOutput(): () => void {
  const spies = (['stdout', 'stderr'] as const).map((name) => {
    const write = process[name].write.bind(process[name]);
    return vi.spyOn(process[name], 'write').mockImplementation((text: string | Uint8Array) => {
      const printed = printing.getStore();
      if (!printed) return write(text);
      printed[name] += String(text);
      return true;
    });
  });
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}

/** Runs a command like the program and captures its output. */
export async function runCommand(
  args: readonly string[],
  { columns, taskQueue }: CommandOptions,
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  for (const [name, value] of Object.entries({ ...env, TASK_QUEUE: taskQueue, CI: '' }))
    vi.stubEnv(name, value);
  const { isTTY, columns: before } = process.stdout;
  Object.assign(process.stdout, { isTTY: columns !== undefined, columns });
  process.exitCode = 0;
  try {
    await printing.run(printed, () => createProgram().parseAsync(args, { from: 'user' }));
    return { code: Number(process.exitCode), ...printed };
  } catch (error) {
    return { code: exitCodeOf(error), ...printed, stderr: `${printed.stderr}${messageOf(error)}\n` };
  } finally {
    process.exitCode = 0;
    Object.assign(process.stdout, { isTTY, columns: before });
    vi.unstubAllEnvs();
  }
}
