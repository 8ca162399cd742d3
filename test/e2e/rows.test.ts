import { afterAll, beforeAll, expect, it } from 'vitest';
import { askRows } from '../../src/cli/askRows.ts';
import type { RowKind, RowsByKind, RunReference } from '../../src/rows.ts';
import { jobDocument } from '../support/jobs.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { ExportHandle } from '../support/temporal.ts';

const WRITE = 'accounts.setAccountInfo';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    ...provided(),
    sandbox: { users: 1_500 },
  });
});
afterAll(() => rig.stop());

async function referenceTo(handle: ExportHandle): Promise<RunReference> {
  const { workflowId, runId } = await handle.describe();
  return { workflowId, runId };
}

async function rowsOf<Kind extends RowKind>(run: RunReference, kind: Kind): Promise<RowsByKind[Kind][]> {
  const rows: RowsByKind[Kind][] = [];
  for await (const row of askRows({ client: rig.client, taskQueue: rig.taskQueue }, run, kind))
    rows.push(row);
  return rows;
}

it('reports each of 1,000 failed users once, with the callId of the call that failed', async () => {
  const { admin } = rig.sandbox;
  const uids = Object.keys((await admin.truth()).expected).slice(0, 1_000);
  const codes = [400006, 413003, 403005, 400009];
  await admin.addFaults(
    ...uids.map((uid, n) => ({
      match: { method: WRITE, uid },
      action: { kind: 'gigya_error' as const, code: codes[n % 4] ?? 0, details: `No ${uid}` },
    })),
  );
  const handle = await rig.start(jobDocument('Rows'));
  const { counts, failures } = await handle.result();
  expect(counts).toMatchObject({ failed: 750, unknown_uid: 250 });
  expect(failures).toEqual({ 400006: 250, 413003: 250, 400009: 250 });
  const rows = await rowsOf(await referenceTo(handle), 'failed');
  expect(rows.map(({ identifier }) => identifier).sort()).toEqual([...uids].sort());
  const answered = new Map((await admin.journal()).map(({ callId, uid }) => [callId, uid]));
  for (const { identifier, callId } of rows) expect(answered.get(callId ?? '')).toBe(identifier);
});
