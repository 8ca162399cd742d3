import type { Sandbox } from '../../sandbox/client.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import type { Carried } from '../../src/workflows/carried.ts';
import type { exportAudience } from '../../src/workflows/index.ts';
import { beginRun } from '../../src/workflows/run.ts';
import type { Rig } from './rig.ts';
import { type ExportHandle, unique } from './temporal.ts';

/** UIDs of members, and what happens to them between two runs. */
export interface Departures {
  /** Still in other audiences. */
  elsewhere: string[];
  /** In no audience but `all`. */
  nowhere: string[];
  /** No longer known to Lytics. */
  deleted: string[];
}

/**
 * Members of `vip` leave: `count` of each kind, in the order of their UIDs.
 *
 * @param from The members to choose from. @default all members
 */
export async function depart(
  sandbox: Sandbox,
  count: { elsewhere?: number; nowhere?: number; deleted?: number },
  from?: readonly string[],
): Promise<Departures> {
  const { expected } = await sandbox.admin.truth();
  const members = [...(from ?? Object.keys(expected))].sort();
  // A member of this audience only is not in other audiences after leaving.
  const inOthers = members.filter((uid) => (expected[uid]?.length ?? 0) > 1);
  const elsewhere = inOthers.slice(0, count.elsewhere ?? 0);
  for (const uid of elsewhere) members.splice(members.indexOf(uid), 1);
  const take = (wanted = 0) => members.splice(0, wanted);
  const departures = {
    elsewhere,
    nowhere: take(count.nowhere),
    deleted: take(count.deleted),
  };
  const all = Object.values(departures).flat();
  const rows = new Map<string, Awaited<ReturnType<Sandbox['admin']['rows']>>[number]>();
  for (const uid of all) {
    for (const row of await sandbox.admin.rows(uid, 'gy_profile_id')) rows.set(uid, row);
  }
  const vip = (await sandbox.admin.audiences()).find(({ slug }) => slug === 'vip')?.id;
  for (const uid of departures.deleted) {
    const row = rows.get(uid);
    if (row) await sandbox.admin.removeRow(row.key);
  }
  const staying = [...departures.elsewhere, ...departures.nowhere].flatMap((uid) => {
    const row = rows.get(uid);
    if (!row) return [];
    const audiences = departures.nowhere.includes(uid) ? [] : row.audiences.filter((id) => id !== vip);
    return [{ key: row.key, fields: { ...row.fields }, audiences }];
  });
  if (staying.length > 0) await sandbox.admin.putRows(...staying);
  return departures;
}

/** The value of a user in a storage's field. */
export async function labelsOf(sandbox: Sandbox, storage: 'account' | 'data_store', uid: string) {
  const { account, objects } = await sandbox.admin.held(uid);
  const data = storage === 'account' ? account?.data : objects[0]?.data;
  const labels = data?.['lytics_segments'];
  return Array.isArray(labels) ? labels : [];
}

/**
 * Starts a run where it looks for leavers, as one that continued as new there.
 *
 * @param members How many members the run has counted; Gigya holds what they should hold.
 */
export async function atLeavers(
  { client, taskQueue, sandbox }: Rig,
  document: JobDocument,
  members: number,
): Promise<ExportHandle> {
  const { audience } = await sandbox.admin.truth();
  const run = beginRun(Date.now());
  const carried: Carried = {
    at: Date.now(),
    run: {
      ...run,
      plan: {
        job: parseJob(document),
        audience: { id: audience.id, slug: audience.slug, label: audience.slug },
        index_lag_seconds: 0,
        alert_after_seconds: 1_800,
        warnings: [],
      },
      isScanned: true,
      counts: { ...run.counts, members, unchanged: members },
      scan: { ...run.scan, carrying: members },
    },
  };
  return client.workflow.start<typeof exportAudience>('exportAudience', {
    workflowId: unique(document.name),
    taskQueue,
    args: [document, carried],
  });
}
