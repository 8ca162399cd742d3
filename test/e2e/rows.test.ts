import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvParseRows } from 'd3-dsv';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { JobDocument } from '../../src/job.ts';
import { type CommandOptions, captureOutput, runCommand } from '../support/commandRig.ts';
import { readCsv } from '../support/csv.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { unique } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const WRITE = 'accounts.setAccountInfo';
const NAME = unique('Rows');
const COLUMNS =
  'identifier,operation,status,error_code,status_message,call_id,attempts,attempted_at,run_id'.split(',');

let rig: Rig;
let release: () => void;
beforeAll(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: 1_500 } });
  release = captureOutput();
});
afterAll(async () => {
  release();
  await rig.stop();
});

function client(args: readonly string[], options: CommandOptions = {}) {
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: 'default' };
  return runCommand(args, { taskQueue: rig.taskQueue, ...options }, env);
}

function written(folder: string, document: JobDocument): string {
  const file = join(folder, 'job.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

describe('a preview', () => {
  it('writes nothing, and gives one hash for one state', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const file = written(folder, jobDocument(NAME));
    const { expected } = await rig.sandbox.admin.truth();
    const plan = join(folder, 'plan.jsonl');

    const first = await client(['--json', 'preview', file, '--out', plan]);
    const second = await client(['preview', file]);
    expect(await rig.sandbox.admin.journal()).toEqual([]);
    expect([first.code, second.code]).toEqual([0, 0]);

    const shown = JSON.parse(first.stdout);
    const text = readFileSync(plan, 'utf8');
    const [header = '', ...lines] = text.trimEnd().split('\n');
    const sha256 = createHash('sha256')
      .update(text.slice(header.length + 1))
      .digest('hex');
    expect(JSON.parse(header)).toEqual({
      format_version: '1',
      job: NAME,
      run_id: shown.run_id,
      created: expect.any(String),
      counts: shown.counts,
      sha256,
    });
    expect(second.stdout).toContain(`sha256 ${sha256}`);
    const rows = lines.map((line) => JSON.parse(line));
    expect(rows.map(({ uid }) => uid)).toEqual([...Object.keys(expected)].sort());
    for (const { uid, before, after, ...rest } of rows) {
      expect(rest).toEqual({ operation: 'add' });
      expect(before).toEqual({ lytics_segments: [] });
      expect(after).toEqual({ lytics_segments: [...(expected[uid] ?? [])].sort() });
    }
    expect(shown.plan).toMatchObject({ rows: rows.length, first: rows.slice(0, 20), sha256, out: plan });
    expect(shown.guard).toEqual({ removals: 0, carriers: 0, max_removals: 0.2, reason: null });
    expect(shown.estimate).toMatchObject({ gigya_writes: rows.length, gigya_reads: 0 });
    expect(shown.estimate.gigya_searches).toBeGreaterThan(0);
    expect(shown.estimate.lytics_requests).toBeGreaterThanOrEqual(15);
    expect(second.stdout).toMatch(/Guard: 0 of 0 carriers would lose the audience/);
  });
});

describe('a run with 1,000 failing users', () => {
  it('lists each of them once, with the callId of the call that failed', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const { admin } = rig.sandbox;
    const uids = Object.keys((await admin.truth()).expected).slice(0, 1_000);
    const codes = [400006, 413003, 403005, 400009];
    await admin.addFaults(
      ...uids.map((uid, n) => ({
        match: { method: WRITE, uid },
        action: { kind: 'gigya_error' as const, code: codes[n % 4] ?? 0, details: `=No, "${uid}"` },
      })),
    );
    const run = await client(['--json', 'run', written(folder, jobDocument(NAME))]);
    await admin.clearFaults();
    expect(run.code).toBe(4);
    const { run_id, counts, failures } = JSON.parse(run.stdout);
    expect(counts).toMatchObject({ failed: 750, unknown_uid: 250 });
    expect(failures).toEqual({ 400006: 250, 413003: 250, 400009: 250 });

    const out = join(folder, 'failures.csv');
    expect(await client(['failures', NAME, '--out', out])).toMatchObject({ code: 0 });
    const text = readFileSync(out, 'utf8');
    const [heads, ...lines] = readCsv(text);
    expect(heads).toEqual(COLUMNS);
    expect(lines).toHaveLength(1_000);
    expect(csvParseRows(text)).toEqual([heads, ...lines]);
    const answered = new Map((await admin.journal()).map((entry) => [entry.callId, entry]));
    for (const [identifier, operation, status, code, message, callId, attempts, , runId] of lines) {
      expect(answered.get(callId ?? '')).toMatchObject({ uid: identifier, errorCode: Number(code) });
      expect([operation, attempts, runId]).toEqual(['add', '1', run_id]);
      expect(status).toBe(code === '403005' ? 'unknown_user' : 'rejected');
      expect(message).toContain(`=No, "${identifier}"`);
    }
    expect(lines.map(([identifier = '']) => identifier).sort()).toEqual([...uids].sort());

    const listed = await client(['--json', 'failures', NAME, '--run', run_id]);
    expect(JSON.parse(listed.stdout)).toHaveLength(1_000);
    const jsonl = await client(['failures', NAME, '--format', 'jsonl']);
    expect(Object.keys(JSON.parse(jsonl.stdout.slice(0, jsonl.stdout.indexOf('\n'))))).toEqual(COLUMNS);
    const table = await client(['failures', NAME], { columns: 140 });
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(1_001);
  });

  it('shows them in the state, and not as a failed run', async () => {
    expect((await client(['status', NAME])).stdout).toContain(`${NAME}: completed, 750 failed`);
    expect((await client(['history', NAME], { columns: 140 })).stdout).toContain('completed, 750 failed');
    // The previews are in its history as well, but do not stand for it.
    const history: { dry_run: boolean }[] = JSON.parse((await client(['--json', 'history', NAME])).stdout);
    expect(history.map(({ dry_run }) => dry_run)).toEqual([false, true, true]);
    const jobs: { name: string; slug: string }[] = JSON.parse((await client(['--json', 'list'])).stdout);
    expect(jobs.filter(({ name }) => name === NAME)).toMatchObject([{ slug: NAME.toLowerCase() }]);
  });

  it('says in one sentence why rows cannot be read', async () => {
    const missing = await client(['failures', NAME, '--run', '00000000-0000-0000-0000-000000000000']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toMatch(
      /has no run 00000000-0000-0000-0000-000000000000; "history" lists the runs/,
    );
    const { user_key, private_key } = rig.sandbox.authorizations['gigya-rsa'];
    await rig.sandbox.changeAuthorization('gigya', { user_key, private_key, secret_key: undefined });
    const rotated = await client(['failures', NAME]);
    expect(rotated.code).toBe(1);
    expect(rotated.stderr).toBe('The rows cannot be opened: the Gigya secret was changed after this run\n');
  });
});
