import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSandbox } from '../../sandbox/client.ts';
import { type DevServer, startDevServer } from '../../scripts/devServer.ts';
import { openGate } from '../support/gate.ts';
import { highestAttempt } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { appliedWrites } from '../support/writes.ts';
import { assertRunning, assertWhole } from './checks.ts';
import { CONNECTIONS, mostInASecond, openStage, repeatedIn, type Stage, scansOf } from './stage.ts';

/** Enough for several pages at once, and a run of some seconds. */
const USERS = 3_000;
/** The index shows no write of the run: what keeps one from being repeated is the checkpoint alone. */
const SLOW_INDEX = { latencyMs: 30, indexLagMs: 600_000 };

export interface OutageReport {
  writes: number;
  repeated: number;
  allowed: number;
}

/** The Temporal server is killed in the middle of a run, and comes back on its database and its port. */
export async function temporalKilled(folder: string): Promise<OutageReport> {
  const dbFilename = join(folder, 'temporal.db');
  let server: DevServer = await startDevServer({ dbFilename });
  const { address } = server;
  const stage = await openStage({ address, sandbox: { users: USERS, ...SLOW_INDEX } });
  try {
    await stage.startWorker();
    const handle = await stage.start();
    await stage.untilWritten(500);
    await assertRunning(handle);
    server.kill('SIGKILL');
    await server.exited;
    server = await startDevServer({ dbFilename, port: Number(address.split(':')[1]) });
    await assertRunning(handle);
    const summary = await handle.result();
    await assertWhole(stage, summary);
    const writes = await appliedWrites(stage.sandbox.admin);
    const allowed = mostInASecond(writes) + CONNECTIONS;
    return { writes: writes.length, repeated: repeatedIn(writes, await scansOf(handle)), allowed };
  } finally {
    await stage.stop();
    await server.stop();
  }
}

/** The services are killed in the middle of a run, and come back as they were. */
export async function servicesKilled(address: string, folder: string): Promise<OutageReport> {
  const state = join(folder, 'sandbox.jsonl');
  const stage = await openStage({ address, sandbox: { users: USERS, state, ...SLOW_INDEX, latencyMs: 15 } });
  const { sandbox } = stage;
  let revived: Awaited<ReturnType<typeof startSandbox>> | undefined;
  try {
    await stage.startWorker();
    const handle = await stage.start();
    await stage.untilWritten(500);
    await assertRunning(handle);
    await sandbox.kill();
    const port = Number(new URL(sandbox.url).port);
    revived = await startSandbox({ port, state, authorizations: join(folder, 'authorizations.json') });
    const summary = await handle.result();
    await assertWhole(stage, summary);
    const writes = await appliedWrites(revived.admin);
    // Those that were applied, and whose answer never came.
    return {
      writes: writes.length,
      repeated: repeatedIn(writes, await scansOf(handle)),
      allowed: CONNECTIONS,
    };
  } finally {
    await stage.stop();
    await revived?.kill();
  }
}

/** Of two workers one dies. */
export async function oneOfTwoKilled(address: string): Promise<OutageReport> {
  const stage = await openStage({ address, sandbox: { users: USERS, ...SLOW_INDEX } });
  try {
    const [one, other] = await Promise.all([stage.startWorker(), stage.startWorker()]);
    const handle = await stage.start();
    await stage.untilWritten(800);
    await assertRunning(handle);
    // The one that holds a page: else nothing dies with it.
    const { raw } = await handle.describe();
    const holders = (raw.pendingActivities ?? []).map(({ lastWorkerIdentity }) => lastWorkerIdentity ?? '');
    const victim = holders.some((identity) => identity.startsWith(`${one.pid}@`)) ? one : other;
    assert.ok(holders.some((identity) => identity.startsWith(`${victim.pid}@`)));
    victim.kill('SIGKILL');
    await victim.exited;
    const summary = await handle.result();
    await assertWhole(stage, summary);
    const writes = await appliedWrites(stage.sandbox.admin);
    const allowed = mostInASecond(writes) + CONNECTIONS;
    return { writes: writes.length, repeated: repeatedIn(writes, await scansOf(handle)), allowed };
  } finally {
    await stage.stop();
  }
}

export interface FrozenOptions {
  /**
   * The server notices that the worker is gone, and gives it nothing more; else tasks are given to it that lie in its
   * sockets until it is thawed, each for its time limit. @default true
   */
  isNoticed?: boolean;
  workerFile?: string;
}

/**
 * A worker is frozen while it writes, for so long that another takes its pages, ends the run, and writes newer values
 * in a second one. Thawed, it must not write its old values.
 */
export async function workerFrozen(address: string, options: FrozenOptions = {}): Promise<void> {
  const { isNoticed = true, workerFile } = options;
  const stage = await openStage({ address, sandbox: { users: 1_500, latencyMs: 40 } });
  const gate = await openGate(address);
  try {
    const frozen = await stage.startWorker({ TEMPORAL_ADDRESS: gate.address }, workerFile);
    const handle = await stage.start();
    await stage.untilWritten(300);
    await assertRunning(handle);
    frozen.kill('SIGSTOP');
    if (isNoticed) gate.shut();
    const written = await overtake(stage, handle);
    frozen.kill('SIGCONT');
    if (isNoticed) {
      // Thawed, it cannot hear what has happened, and has to notice by itself.
      await until(() => frozen.output().includes('lost its lease'), { limitMs: 30_000 });
      gate.open();
    }
    // It lets what it has under way come to its end: if it would write, it would write now.
    frozen.kill('SIGTERM');
    await frozen.exited;
    await assertNothingOldWasWritten(stage, written);
  } finally {
    await stage.stop();
    await gate.close();
  }
}

/** A worker that reaches Gigya and not Temporal, while another takes its pages and writes newer values. */
export async function workerCutOff(address: string, workerFile?: string): Promise<void> {
  const stage = await openStage({ address, sandbox: { users: 800, latencyMs: 5 } });
  const gate = await openGate(address);
  const { authorizationsFile } = stage.sandbox;
  try {
    // Slow, so that it would still be at its page when the other is done with the second run.
    const slowFile = `${authorizationsFile}.slow`;
    await writeFile(slowFile, slowed(await readFile(authorizationsFile, 'utf8')), { mode: 0o600 });
    const cutOff = await stage.startWorker(
      { TEMPORAL_ADDRESS: gate.address, AUTHORIZATIONS_FILE: slowFile },
      workerFile,
    );
    const handle = await stage.start();
    await stage.untilWritten(60);
    await assertRunning(handle);
    gate.shut();
    const written = await overtake(stage, handle);
    // It has noticed by itself, while it could hear nothing.
    await until(() => cutOff.output().includes('lost its lease'), { limitMs: 10_000 });
    gate.open();
    cutOff.kill('SIGTERM');
    await cutOff.exited;
    await assertNothingOldWasWritten(stage, written);
  } finally {
    await stage.stop();
    await gate.close();
  }
}

/** Another worker ends the run, and a second one with newer values. @returns How many writes there were by then. */
async function overtake(stage: Stage, handle: Awaited<ReturnType<Stage['start']>>): Promise<number> {
  const { admin } = stage.sandbox;
  await stage.startWorker();
  await assertWhole(stage, await handle.result());
  assert.ok((await highestAttempt(handle)) > 1, 'another worker took a page over');
  await admin.change(10_000);
  await assertWhole(stage, await (await stage.start()).result());
  return (await admin.journal()).length;
}

async function assertNothingOldWasWritten(stage: Stage, written: number): Promise<void> {
  const { admin } = stage.sandbox;
  assert.equal((await admin.journal()).length, written, 'nothing was written after the newer values');
  assert.deepEqual((await admin.verify()).different, []);
}

function slowed(authorizations: string): string {
  const read: Record<string, object> = JSON.parse(authorizations);
  const limits = { calls_per_second: 20, searches_per_second: 20 };
  return JSON.stringify({ ...read, gigya: { ...read['gigya'], limits } });
}
